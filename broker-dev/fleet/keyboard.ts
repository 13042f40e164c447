// The keys of the terminal: each puts a fault into the chosen router, chooses another one, explains the keys, or quits.
import type { RouterId } from '../../protocol/index.ts'
import { type FaultId, faults } from '../faults/faults.ts'
import type { RunningFleet } from './fleet.ts'
import type { Picture } from './picture.ts'

export interface Keyboard {
  /** The fleet is there, and keys mean something. */
  opened(fleet: Pick<RunningFleet, 'routerIds' | 'faults'>): void
  press(key: string): Promise<void>
  /** The part of the picture that the keys decide. */
  picture(): Pick<Picture, 'selected' | 'note' | 'isHelp'>
}

export function createKeyboard(quit: () => void): Keyboard {
  let fleet: Pick<RunningFleet, 'routerIds' | 'faults'> | undefined
  let selected: RouterId | undefined
  let note: string | undefined
  let isHelp = false

  async function press(key: string): Promise<void> {
    if (key === 'q' || key === ctrlC) return quit()
    if (!fleet) return
    note = undefined
    if (key === '?') isHelp = !isHelp
    const step = steps[key]
    if (step !== undefined) select(step)
    const fault = faults.find((one) => one.key === key)
    if (fault) await inject(fault.id)
  }

  function select(step: number): void {
    const { routerIds = [] } = fleet ?? {}
    const at = selected === undefined ? -1 : routerIds.indexOf(selected)
    selected = routerIds[(at + step + routerIds.length) % routerIds.length]
  }

  async function inject(id: FaultId): Promise<void> {
    isHelp = false
    if (!fleet || selected === undefined) return
    try {
      const answer = await fleet.faults.inject(id, selected)
      if (answer.outcome === 'impossible') note = answer.why
    } catch (error) {
      note = `${id}: ${error instanceof Error ? error.message : error}`
    }
  }

  return {
    opened(running) {
      fleet = running
      selected = running.routerIds[0]
    },
    press,
    picture: () => ({ selected, note, isHelp }),
  }
}

/** The keys in what a terminal sent: an arrow is three characters. */
export function keysIn(text: string): string[] {
  return text.startsWith('\x1b') ? [text] : [...text]
}

const ctrlC = '\x03'
/** Arrows, as terminals send them in both of their modes. */
const steps: Record<string, number> = {
  ...{ '\x1b[A': -1, '\x1b[D': -1, '\x1bOA': -1, '\x1bOD': -1 },
  ...{ '\x1b[B': 1, '\x1b[C': 1, '\x1bOB': 1, '\x1bOC': 1 },
}
