// Faults by dice, one after another, put into routers that live on meanwhile.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { faults } from '../../broker-dev/faults/faults.ts'
import type { Injector } from '../../broker-dev/faults/injector.ts'
import { mulberry32 } from '../../broker-dev/random.ts'

export interface DrawnFaults {
  /** How often each was put in. */
  readonly counts: Readonly<Record<string, number>>
  /** Draws for so long, and leaves nothing behind. */
  drawFor(milliseconds: number): Promise<void>
}

const pause = 2000

/** `only`: when a fault may be put into a router; the others may be at any time. */
export function createDrawnFaults(
  injector: Injector,
  routerIds: readonly string[],
  seed: number,
  only: Readonly<Record<string, (routerId: string) => Promise<boolean>>> = {},
): DrawnFaults {
  const random = mulberry32(seed)
  const oneOf = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T
  const counts: Record<string, number> = {}

  async function drawFor(milliseconds: number): Promise<void> {
    const end = performance.now() + milliseconds
    for (let rest = milliseconds; rest > 0; rest = end - performance.now()) {
      const { id } = oneOf(faults)
      const routerId = oneOf(routerIds)
      const isAllowed = (await only[id]?.(routerId)) ?? true
      const answer = isAllowed ? await injector.inject(id, routerId) : undefined
      if (answer?.outcome === 'injected') counts[id] = (counts[id] ?? 0) + 1
      await sleepFor(Math.min(pause, Math.max(0, end - performance.now())))
    }
    await injector.healAll()
  }

  return { counts, drawFor }
}
