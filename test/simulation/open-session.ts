// A session that is open, as the ledger keeps it: its lots, and the truth about its device when it began.
import type { EventOf, Metric } from '../../protocol/index.ts'
import type { Device, Tally } from './device.ts'

export interface Lot {
  purchaseId: string
  metric: Metric
  allotment: number
}

export interface OpenSession {
  sessionId: string
  device: Device
  lots: Lot[]
  isStarted: boolean
  /** An operator has given orders about it: it may be shut although something is left. */
  hasOrders: boolean
  /** Bytes that no lot was charged for, up to the latest top-up. */
  givenAway: number
  /** When it began. */
  begunAt: number
  /** When the latest lot was sold. */
  soldAt: number
  /** From then on it may end unopened. */
  abandonableAt: number
  /** Bytes that drifts have stated as unread. */
  unreadBytes: number
  /** The purchases that the parts of its end have told so far. */
  told: EventOf<'session.ended'>['purchases']
  /** The truth when it began. */
  from: Start
  /** Its use on the devices that it was moved away from. */
  earlier: Bounds
}

/** The use that a session is to be charged for, at least and at most. */
export type Bounds = Record<Metric, { least: number; most: number }>

/** The truth about a device when a session began on it. `asked`: when the answer that was under way then was read. */
export interface Start
  extends Pick<Device, 'passed' | 'unheard' | 'openMilliseconds' | 'shownMilliseconds' | 'openings'> {
  free: Tally
  mute: Tally
  asked: number
}
