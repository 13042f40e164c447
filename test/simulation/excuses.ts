// The excuses of an agent that does its work: what of a device's use it cannot have read, or not have read in time, and so need not
// have charged, because the portal was silent, the agent was dead, or a gate moved between two looks.
import type { Flavour } from '../../broker-dev/portal/world.ts'
import { chargeable, type Device, excuse, giveUp, type Tally, tallyAt, unsettledSince } from './device.ts'
import type { Timing } from './timing.ts'

/** Whose doing a change is: the agent's order about one client, a customer's or a hand's about a device, or the portal's. */
export type Cause = { by: 'agent'; client: string } | { by: 'somebody'; mac: string } | { by: 'portal' }

export type Excuses = ReturnType<typeof createExcuses>

interface Parts {
  flavour: Flavour
  devices: readonly Device[]
  timing: Timing
  now(): number
  /** The router's kernel guards. */
  isGuarded: boolean
  /** Told of whatever else than agent and customer has a part in what passes at a device. */
  disturbed(device: Device): void
}

// Of the times that a customer logged out one is forgotten after so long.
const forgottenAfter = 120_000

/** Each is told after all that has passed until then was let pass. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: what was missed is one state, and every rule reads most of it.
export function createExcuses({ flavour, devices, timing, now, isGuarded, disturbed }: Parts) {
  let savedAt = 0
  // The portal answers nothing sensible, or everybody is on line: until then nothing is charged.
  let isSilent = false
  let silentUntil = 0
  let muteFrom: number | undefined
  // The agent is not there to look.
  let blindFrom: number | undefined
  let isBlind = false
  let blindUntil = 0
  let backAt = 0

  const isMissed = () => isBlind || now() < blindUntil
  const isAway = () => isSilent || isBlind || now() < silentUntil || now() < blindUntil

  /** When an agent that is there has looked at the latest; of one that is not, only what it has saved counts. */
  function lookedAt(window: number): number {
    return isMissed() ? Math.min(savedAt, (blindFrom ?? now()) - timing.look) : now() - window
  }

  function freeFor(device: Device, milliseconds: number): void {
    device.freeUntil = Math.max(device.freeUntil, now() + milliseconds)
  }

  /** `isFree`: nobody may have read what passed between these two moments. */
  function asItPasses(device: Device, from: number, to: number, isFree: boolean): void {
    const bytes = isSilent || isFree ? to : Math.max(silentUntil, device.freeUntil)
    const until = { bytes, milliseconds: isAway() ? to : Math.max(bytes, device.timeFreeUntil) }
    for (const metric of ['bytes', 'milliseconds'] as const) {
      const end = Math.min(to, until[metric])
      const since = Math.max(from, device.settled[metric])
      if (end <= since) continue
      device.free[metric] += Math.max(0, tallyAt(device, end)[metric] - tallyAt(device, since)[metric])
      device.settled[metric] = end
    }
  }

  function closed(device: Device, cause: Cause): void {
    const isOrdered = cause.by === 'agent' && cause.client === device.mac
    const isOwn = cause.by === 'somebody' && cause.mac === device.mac
    const window = isOrdered ? timing.ordered : isOwn ? watchedWindow(device) : timing.look
    if (isOwn) device.shuts = { count: shutsOf(device) + 1, at: now() }
    const from = readUntil(device, lookedAt(window))
    excuse(device, { bytes: from, milliseconds: from }, now())
    // A new agent goes on from what is on disk, and those counters are gone.
    if (isMissed()) giveUp(device, device.saved, chargeable(device))
    device.closedAt = now()
    device.shownUntil = now() + timing.look
    device.unsavedStart = undefined
  }

  /** A device that has left is not asked about. */
  function readUntil({ present, leftAt }: Device, at: number): number {
    return present ? at : Math.min(at, leftAt - timing.look)
  }

  /** The more often a customer has logged out, the closer the agent looks. */
  function watchedWindow(device: Device): number {
    // The kernel counts up to the moment, so nobody looks more often; and it may be lost meanwhile.
    if (isGuarded) return timing.look
    const lately = shutsOf(device)
    return lately === 0 ? timing.look : lately === 1 ? timing.near : timing.watched
  }

  const shutsOf = ({ shuts }: Device) => Math.max(0, shuts.count - Math.floor((now() - shuts.at) / forgottenAfter))

  /** `isKnownOpen`: the agent has seen the gate open under another token, so the new one counts from 0. */
  function opened(device: Device, cause: Cause, isKnownOpen: boolean): void {
    device.openings++
    device.openSince = now()
    device.isOpenedByOthers = cause.by !== 'agent'
    if (cause.by !== 'agent') disturbed(device)
    device.beforeOpening = chargeable(device)
    // Time counts from the first look that sees the gate open.
    device.timeFreeUntil = now() + timing.watched
    if (cause.by !== 'agent' && !isKnownOpen) beginsUnknown(device)
    // Of a device that had no entry before the agent sees the first counters after the opening.
    if (flavour !== 'opennds-10') return
    device.freeUntil = Math.max(device.freeUntil, device.timeFreeUntil)
    device.unsavedStart ??= now()
  }

  /** Of a gate that the agent did not open it takes the first look at it for the beginning. */
  function beginsUnknown(device: Device): void {
    excuse(device, { bytes: 0, milliseconds: 0 }, now())
    freeFor(device, timing.look)
    device.unsavedStart ??= now()
  }

  /**
   * Everything that is broken now: the portal says nothing sensible (`silent`) or nothing at all (`mute`), or there is no agent to ask
   * it (`blind`).
   */
  function trouble(state: { silent: boolean; mute: boolean; blind: boolean }): void {
    if (state.silent || isSilent || state.mute) for (const device of devices) disturbed(device)
    if (state.silent && !isSilent) {
      // The use that it could have read before, had it been there, it cannot tell from what passes in the silence.
      const before = lookedAt(timing.look)
      for (const device of devices) excuse(device, { bytes: before, milliseconds: before }, now())
    }
    if (!state.silent && isSilent) silentUntil = now() + timing.recovery
    if (state.blind) muteFrom = undefined
    else if (state.mute) muteFrom ??= now()
    else hearsAgain()
    if (state.blind && !isBlind && now() >= blindUntil) blindFrom = now()
    if (!state.blind && isBlind) isBack()
    isSilent = state.silent
    isBlind = state.blind
  }

  /** Silence costs nobody anything, when it was longer than the agent asks and waits. */
  function hearsAgain(): void {
    const from = muteFrom === undefined ? undefined : muteFrom + timing.call
    muteFrom = undefined
    if (from === undefined || now() - from < timing.mute) return
    for (const device of devices) {
      const then = tallyAt(device, Math.max(from, device.begunAt))
      device.mute.bytes += device.passed - then.bytes
      device.mute.milliseconds += device.openMilliseconds - then.milliseconds
    }
  }

  /** A new agent needs the time to look at everything. */
  function isBack(): void {
    backAt = now()
    blindUntil = backAt + timing.recovery
    for (const device of devices) if (device.freeUntil === Number.POSITIVE_INFINITY) device.freeUntil = blindUntil
  }

  return {
    isAway,
    /** Since when this agent has been there. */
    get backAt() {
      return backAt
    },
    asItPasses,
    closed,
    opened,
    trouble,
    /** Nobody can tell for so long what passes at that device. */
    freeFor,
    /** The latest use, which need not have been read yet. */
    unread: (device: Device): Tally => {
      if (device.gate === undefined) return { bytes: 0, milliseconds: 0 }
      const from = now() - timing.look
      return {
        bytes: unsettledSince(device, Math.max(from, device.settled.bytes)).bytes,
        milliseconds: unsettledSince(device, Math.max(from, device.settled.milliseconds)).milliseconds,
      }
    },
    /** A session begins on that device as it is. */
    begin: (device: Device) => {
      device.begunAt = now()
      if (device.gate === undefined) return
      disturbed(device)
      beginsUnknown(device)
    },
    /** The bytes at the moment when an answer that is under way was read; while the disk is slow a decision waits for it. */
    passedAtQuestion: (device: Device) => {
      return tallyAt(device, now() - questionOf(timing) - (isMissed() ? slowestWrite : 0)).bytes
    },
    /** The agent died: what it had read and not saved it has to read again, where it still can. */
    died: (diskTook: boolean) => {
      for (const device of devices) {
        giveUp(device, device.saved, device.gate === undefined ? chargeable(device) : device.beforeOpening)
        const since = diskTook ? device.unsavedStart : savedAt
        excuse(device, { milliseconds: savedAt, ...(since !== undefined && { bytes: since }) }, now())
        if (since !== undefined) device.freeUntil = Number.POSITIVE_INFINITY
        device.unsavedStart = undefined
        // The answer to its order alone tells whether that one opened the gate, or its customer since the look before: what
        // passed before the purchase is told from what passed after it by an agent that lives to hear it.
        const isUnheard = device.gate !== undefined && device.isOpenedByOthers && device.openSince < device.begunAt
        if (!isUnheard || now() - device.begunAt > timing.near) continue
        device.unheard += tallyAt(device, device.begunAt).bytes - tallyAt(device, device.openSince).bytes
      }
    },
    /** How much longer a gate may stay shut whose customer shuts it again and again. */
    restOf: (device: Device) => (shutsOf(device) >= 3 ? 60_000 : 0),
    saved: () => {
      // A new life stores what it found on the disk, until it has read everybody.
      if (isBlind || now() < blindUntil) return
      // On disk is what had been read by then.
      savedAt = now() - timing.look
      for (const device of devices) {
        device.saved = chargeable(device, readUntil(device, savedAt))
        device.unsavedStart = undefined
      }
    },
  }
}

// A write that takes longer is refused.
const slowestWrite = 5000

const questionOf = ({ near, call }: Timing) => Math.min(near, 8 * call)
