// A fleet that keeps to a script, in place of the client: so many routers, each with sessions through which bytes flow, and every report
// when it is told to. It stands where the client stands, so what is measured is the page's server and the page.
import { setTimeout as sleepFor } from 'node:timers/promises'
import type { Fleet, Item, Report } from '../../client/index.ts'
import { Mac, RouterId, type Session, type Status } from '../../protocol/index.ts'
import { accepted, aSession, status, usage } from '../support/messages.ts'

export interface ScriptedFleet {
  fleet: Fleet
  /** Tells nothing any more, although its last word was that it is there. */
  silence(routerId: string): void
  retire(routerId: string): void
  /** How many events of that router there were. */
  told(routerId: string): number
}

interface Scripted {
  routerId: RouterId
  seq: number
  used: number
  isSilent: boolean
}

const sessionsEach = 3
const rate = 400_000

/** Each router reports once in `interval` milliseconds. r2 is degraded, r3 is offline. */
export function scriptedFleet(count: number, interval = 1000): ScriptedFleet {
  const routers = new Map(
    [...Array(count).keys()].map((index): [string, Scripted] => {
      const routerId = RouterId.parse(`r${index + 1}`)
      return [routerId, { routerId, seq: 0, used: 0, isSilent: false }]
    }),
  )

  async function* reports({ signal }: { signal?: AbortSignal } = {}): AsyncGenerator<Report, void, void> {
    const beat = 50
    const beats = Math.max(1, Math.round(interval / beat))
    for (let turn = 0; !signal?.aborted; turn++) {
      let index = 0
      for (const router of routers.values()) {
        const isItsTurn = index++ % beats === turn % beats
        if (router.isSilent || (!isItsTurn && turn > 0)) continue
        router.used += (rate * interval) / 1000
        yield { routerId: router.routerId, status: statusOf(router, interval) }
        const sessions = sessionsOf(router)
        yield { routerId: router.routerId, usage: { ...usage(router.seq, sessions), ...of(router), sessions } }
      }
      await sleepFor(beat, undefined, signal && { signal })
    }
  }

  async function* events({ signal, onListening }: { signal?: AbortSignal; onListening?: () => void } = {}) {
    onListening?.()
    for (let turn = 0; !signal?.aborted; turn++) {
      const router = [...routers.values()][turn % Math.min(routers.size, 10)]
      if (router && !router.isSilent) {
        router.seq++
        const [session] = sessionsOf(router)
        const at = new Date().toISOString()
        const parts = {
          ...of(router),
          at,
          sessionId: session?.sessionId ?? '',
          purchaseId: `p-${router.routerId}-${router.seq}`,
        }
        const item: Item = { ...accepted(router.seq), ...parts, ...(session && { session, mac: session.mac }) }
        yield { item, cursor: '' }
      }
      await sleepFor(60, undefined, signal && { signal })
    }
  }

  const fleet = {
    reports,
    events,
    routers: async () =>
      [...routers.keys()].map((routerId) => ({ routerId, state: 'online', heardAgoMilliseconds: 0 })),
  }
  return {
    // The page's server asks for nothing else of it.
    fleet: fleet as unknown as Fleet,
    silence(routerId) {
      const router = routers.get(routerId)
      if (router) router.isSilent = true
    },
    retire: (routerId) => void routers.delete(routerId),
    told: (routerId) => routers.get(routerId)?.seq ?? 0,
  }
}

function of({ routerId }: Scripted) {
  return { routerId, epoch: 'e1' }
}

function statusOf(router: Scripted, interval: number): Status {
  const { used, routerId, seq } = router
  const told = {
    ...status(seq, { sold: used + 5e8, used, remaining: 5e8 }),
    routerId,
    usageIntervalMilliseconds: 3 * interval,
  }
  if (routerId === 'r2')
    return { ...told, state: 'degraded', warnings: ['the disk takes no writes: No space left on device'] } as Status
  if (routerId === 'r3') return { ...told, state: 'offline' } as Status
  return told
}

function sessionsOf({ routerId, used }: Scripted): Session[] {
  const number = Number(routerId.slice(1))
  return Array.from({ length: sessionsEach }, (_, device) => {
    const pairs = [number >> 8, number & 0xff, 0, device].map((part) => part.toString(16).padStart(2, '0'))
    return aSession({
      ...{ sessionId: `s-${routerId}-${device}`, mac: Mac.parse(`02:74:${pairs.join(':')}`) },
      ...{
        allotment: { bytes: used + 5e8 },
        used: { bytes: used },
        bytesPerSecond: Math.round(rate * (1 + Math.sin(used / 2e6 + device))),
      },
    })
  })
}
