// A whole router in virtual time with so many sessions open, and how often it asks its portal.
import type { Flavour } from '../broker-dev/portal/world.ts'
import { mulberry32 } from '../broker-dev/random.ts'
import { aRouter, type RouterUnderTest } from '../test/support/a-router.ts'
import { aMac } from '../test/support/builders.ts'

export interface VirtualRouter {
  router: RouterUnderTest
  /** How often the portal was asked in that time, and in how many looks: calls of one moment are one look. */
  askedIn(milliseconds: number): Promise<{ runs: number; looks: number }>
}

export async function openVirtualRouter(options: {
  flavour?: Flavour
  sessions: number
  allotment: number
  env?: Record<string, string>
  /** The kernel guards, with packets of that many bytes. */
  guard?: number | undefined
}): Promise<VirtualRouter> {
  const { flavour = 'nodogsplash', sessions, allotment, env = {}, guard } = options
  // Tokens as a portal draws them: the figure includes their bytes on disk.
  const router = aRouter({ flavour, env, maxClients: 250, random: mulberry32(1), guard })
  await router.start()
  for (let device = 1; device <= sessions; device++) {
    router.join(device)
    await router.grant('bytes', allotment, { purchaseId: `p${device}`, mac: aMac(device) })
  }
  // The looks that opening them caused are over.
  await router.pass(60_000)
  return {
    router,
    async askedIn(milliseconds) {
      const moments = new Set<number>()
      router.beforeCall(() => {
        moments.add(router.clock.monotonic())
      })
      const before = router.calls.length
      await router.pass(milliseconds)
      return { runs: router.calls.length - before, looks: moments.size }
    },
  }
}
