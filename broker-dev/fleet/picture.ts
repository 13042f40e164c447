// All that the screen shows, as one value.
import type { RouterId } from '../../protocol/index.ts'
import type { FaultLog } from '../faults/fault-log.ts'
import type { FleetView } from './fleet-view.ts'

export interface Picture {
  fleet: FleetView
  faults: FaultLog
  /** Wrong with the run itself, such as an agent that ended. */
  problems: readonly string[]
  /** The fleet's own time: milliseconds of its wall clock. */
  now: number
  /** How many times as fast as ours. */
  speed: number
  /** The broker's. */
  url: string
  /** The page's address. */
  page?: string
  /** The router that the keys put faults into; nothing without a keyboard. */
  selected?: RouterId | undefined
  /** An answer to the last key. */
  note?: string | undefined
  /** The keys are explained instead of the fleet. */
  isHelp?: boolean
  /** Lines to paste into another terminal. */
  hints?: string
}
