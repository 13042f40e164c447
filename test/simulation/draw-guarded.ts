// Draws the same script as the seed alone, on a router whose kernel guards, with faults of the guard: from dice of their own, so
// that a seed's history without a guard stays as it is.
import { createDice } from './dice.ts'
import { drawScript, type Length } from './draw-script.ts'
import type { Action, Script } from './script.ts'

export function drawGuarded(seed: number, length?: Length): Script {
  const script = drawScript(seed, length)
  const dice = createDice(seed * 104_729 + 11)
  const guard = { latencyMilliseconds: dice.pick([10, 60, 300]) }
  const { milliseconds, devices } = script
  const faults = Array.from({ length: dice.pick([0, 0, 1, 3, 6]) }, (): Action => {
    const at = dice.between(0, milliseconds)
    const forMilliseconds = dice.between(1, Math.min(30_000, milliseconds))
    const kind = dice.roll()
    if (kind < 0.3) return { at, do: 'lose-guard' }
    if (kind < 0.85) return { at, do: 'guard', fault: dice.pick(['refused', 'slow', 'deaf', 'deaf']), forMilliseconds }
    return {
      at,
      do: 'bypass',
      device: dice.between(1, devices),
      whom: dice.pick(['portal', 'kernel']),
      forMilliseconds,
    }
  })
  const actions = [...script.actions, ...faults].sort((a, b) => a.at - b.at)
  return { ...script, settings: { ...script.settings, guard }, actions }
}
