// One device as it really is: what passed through its gate and for how long it was open, at any moment of the recent past,
// and what of that nobody could charge or read.
import { macOf } from './script.ts'

/** Bytes are up and down together. */
export interface Tally {
  bytes: number
  milliseconds: number
}

export interface Device {
  readonly number: number
  readonly mac: string
  ip: string
  present: boolean
  leftAt: number
  /** Bytes per millisecond that it sends and receives while its gate is open. */
  down: number
  up: number
  /** The token of its gate, while that is open. */
  gate: string | undefined
  openSince: number
  openings: number
  /** Since the simulation began, while the portal ran. */
  passed: number
  openMilliseconds: number
  /** The same, and the time in which the portal may have gone on calling a shut gate open. */
  shownMilliseconds: number
  /** Use that nobody is charged for: nobody could have read it, or read it in time. */
  free: Tally
  /** Use that nobody may be charged for: the portal answered nothing for long. */
  mute: Tally
  /** When its session began. */
  begunAt: number
  /** Its gate was opened by somebody else than the agent. */
  isOpenedByOthers: boolean
  /** Bytes that it had moved before its session, and may be charged for: its agent died before it heard that the gate was open. */
  unheard: number
  /** Up to when that is settled. */
  settled: { bytes: number; milliseconds: number }
  /** Use until then is free: the agent does not yet know whose it is. */
  freeUntil: number
  timeFreeUntil: number
  closedAt: number
  /** Until then a shut gate may be taken for open. */
  shownUntil: number
  /** Use that somebody is to be charged for: all of it when the agent last saved, and before its gate was opened. */
  saved: Tally
  beforeOpening: Tally
  /** The agent measures from a point that is not on disk, since then. */
  unsavedStart: number | undefined
  /** How often its gate was shut by itself or by its customer, and when last. */
  shuts: { count: number; at: number }
  marks: Mark[]
}

/** From here on so many bytes pass in a millisecond, until the next mark. */
interface Mark extends Tally {
  at: number
  rate: number
  isOpen: boolean
}

export function aDevice(number: number): Device {
  const none = () => ({ bytes: 0, milliseconds: 0 })
  const sums = {
    openings: 0,
    passed: 0,
    openMilliseconds: 0,
    shownMilliseconds: 0,
    free: none(),
    mute: none(),
    saved: none(),
    beforeOpening: none(),
  }
  const times = {
    begunAt: 0,
    isOpenedByOthers: false,
    unheard: 0,
    settled: none(),
    freeUntil: 0,
    timeFreeUntil: 0,
    closedAt: 0,
    shownUntil: 0,
    unsavedStart: undefined,
    shuts: { count: 0, at: 0 },
  }
  const still = { ip: '', present: false, leftAt: 0, down: 0, up: 0, gate: undefined, openSince: 0 }
  return { number, mac: macOf(number), ...still, ...sums, ...times, marks: [] }
}

/** Something passed between these two moments, evenly. */
export function pass(device: Device, from: number, to: number, bytes: number): void {
  const milliseconds = to - from
  const isOpen = device.gate !== undefined
  const rate = bytes / milliseconds
  const last = device.marks.at(-1)
  if (last?.rate !== rate || last.isOpen !== isOpen) {
    device.marks.push({ at: from, rate, isOpen, bytes: device.passed, milliseconds: device.openMilliseconds })
    if (device.marks.length > mostMarks) device.marks.splice(0, mostMarks / 2)
  }
  device.passed += bytes
  if (isOpen) device.openMilliseconds += milliseconds
}

// Scripts change a device now and then: these reach back further than any look.
const mostMarks = 200

/** The use up to that moment, at the latest now. */
export function tallyAt(device: Device, at: number): Tally {
  for (let index = device.marks.length - 1; index >= 0; index--) {
    const mark = device.marks[index] as Mark
    if (mark.at > at && index > 0) continue
    const milliseconds = Math.max(0, at - mark.at)
    return {
      bytes: Math.min(device.passed, mark.bytes + mark.rate * milliseconds),
      milliseconds: Math.min(device.openMilliseconds, mark.milliseconds + (mark.isOpen ? milliseconds : 0)),
    }
  }
  return { bytes: device.passed, milliseconds: device.openMilliseconds }
}

/** The use that somebody is to be charged for, up to that moment. */
export function chargeable(device: Device, at?: number): Tally {
  const now = { bytes: device.passed, milliseconds: device.openMilliseconds }
  const { bytes, milliseconds } = at === undefined ? now : tallyAt(device, at)
  return { bytes: bytes - device.free.bytes, milliseconds: milliseconds - device.free.milliseconds }
}

/** Use beyond that was to be charged and is free after all: it was read and not saved, and cannot be read again. */
export function giveUp(device: Device, from: Tally, to: Tally): void {
  device.free.bytes += Math.max(0, to.bytes - from.bytes)
  device.free.milliseconds += Math.max(0, to.milliseconds - from.milliseconds)
}

/** Use since that moment is free, as far as it is not settled already. */
export function excuse(device: Device, since: { bytes?: number; milliseconds?: number }, now: number): void {
  for (const metric of ['bytes', 'milliseconds'] as const) {
    const from = Math.max(since[metric] ?? now, device.settled[metric])
    if (since[metric] === undefined) continue
    device.free[metric] += unsettledSince(device, from)[metric]
    device.settled[metric] = now
  }
}

/** The use since that moment. */
export function unsettledSince(device: Device, at: number): Tally {
  const then = tallyAt(device, at)
  return {
    bytes: Math.max(0, device.passed - then.bytes),
    milliseconds: Math.max(0, device.openMilliseconds - then.milliseconds),
  }
}
