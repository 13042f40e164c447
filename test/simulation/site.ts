// The site: the mock portal with the devices behind it, and the truth about them: what passed, when a gate was open, and
// what of that an agent that does its work cannot have missed.
import type { Volume } from '../../broker-dev/portal/client-list.ts'
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal, type Flavour, type MockPortal } from '../../broker-dev/portal/world.ts'
import type { Kernel } from '../support/a-kernel.ts'
import {
  aDevice,
  chargeable,
  type Device,
  excuse,
  giveUp,
  pass,
  type Tally,
  tallyAt,
  unsettledSince,
} from './device.ts'
import type { Dice } from './dice.ts'
import type { Timing } from './timing.ts'

export type { Device } from './device.ts'

/** Whose doing a change is: the agent's order about one client, a customer's or a hand's about a device, or the portal's. */
export type Cause = { by: 'agent'; client: string } | { by: 'somebody'; mac: string } | { by: 'portal' }

export type Site = ReturnType<typeof createSite>

export interface SiteParts {
  flavour: Flavour
  hasNeighbours: boolean
  devices: number
  timing: Timing
  dice: Dice
  now: () => number
  wall: () => number
  /** Told of whatever else than agent and customer has a part in what passes at a device. */
  disturbed?: (device: Device) => void
  /** Calls of the guard fail or take long: the kernel has been told late, and is believed all the same. */
  isGuardBad?: () => boolean
  /** The agent has not been able to read the kernel's table since it was started. */
  isKernelUnread?: () => boolean
  /** The router's kernel, where it guards. */
  kernel?: Kernel | undefined
}

// Of the times that a customer logged out one is forgotten after so long.
const forgottenAfter = 120_000

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: the truth about the devices is one state, and every rule reads most of it.
export function createSite(parts: SiteParts) {
  const { flavour, hasNeighbours, devices: count, timing, dice, now, wall, kernel, disturbed = () => {} } = parts
  const portal: MockPortal = createPortal({ flavour, now: wall, random: dice.roll, maxClients: 250 })
  const devices = Array.from({ length: count }, (_, index): Device => aDevice(index + 1))
  const byMac = new Map(devices.map((device) => [device.mac, device]))
  const bypassed = new Map<Device, 'portal' | 'kernel'>()
  // Bytes that the kernel has dropped since an agent read its table.
  const unreadDrops = new Map<Device, number>()
  let ips = 0
  let strangers = 0
  let touched = now()
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

  /** Lets pass what passed since it was last called; whatever changes a gate calls it first. */
  function touch(): void {
    const from = touched
    touched = now()
    if (touched <= from) return
    for (const device of devices) passAt(device, from, touched)
    noteGates({ by: 'portal' })
  }

  function passAt(device: Device, from: number, to: number): void {
    const milliseconds = to - from
    const end = kernel?.endOf(device.ip) ?? Number.POSITIVE_INFINITY
    if (end > from && end < to) {
      passAt(device, from, end)
      passAt(device, end, to)
      return
    }
    const { downloaded, uploaded } = transfer(device, {
      downloaded: device.down * milliseconds,
      uploaded: device.up * milliseconds,
    })
    // With the daemon gone everybody is on line, and nothing of it is anybody's; but an agent that did not see it go has the
    // kernel's count of what its payers moved.
    if (!portal.running) {
      if (kernel?.isCounted(device.ip)) device.unheard += downloaded + uploaded
      return
    }
    pass(device, from, to, downloaded + uploaded)
    const isShown = device.gate !== undefined || isCalledOpen(device, to <= device.shownUntil || isAway())
    if (isShown) device.shownMilliseconds += milliseconds
    freeAsItPasses(device, from, to)
  }

  // The portal counts first, and the kernel drops what it has cut.
  function transfer(device: Device, volume: Volume): Volume {
    const { mac, ip } = device
    const by = bypassed.get(device)
    const isUnseen = by === 'portal' && portal.gateOpen(mac) && portal.neighbours().some((entry) => entry.mac === mac)
    const counted = isUnseen ? volume : portal.transfer(mac, volume)
    const passed = kernel && by !== 'kernel' ? kernel.pass(ip, counted) : counted
    // An agent that has never read the kernel's table knows nothing of what that drops.
    const dropped = counted.downloaded + counted.uploaded - passed.downloaded - passed.uploaded
    if (parts.isKernelUnread?.()) device.unheard += dropped
    unreadDrops.set(device, (unreadDrops.get(device) ?? 0) + dropped)
    return passed
  }

  function freeAsItPasses(device: Device, from: number, to: number): void {
    // A flow that one of the meters does not see may be seen by none: the other one may be lost.
    const isFree = isSilent || bypassed.has(device) || parts.isGuardBad?.()
    const bytes = isFree ? to : Math.max(silentUntil, device.freeUntil)
    const until = { bytes, milliseconds: isAway() ? to : Math.max(bytes, device.timeFreeUntil) }
    for (const metric of ['bytes', 'milliseconds'] as const) {
      const end = Math.min(to, until[metric])
      const since = Math.max(from, device.settled[metric])
      if (end <= since) continue
      device.free[metric] += Math.max(0, tallyAt(device, end)[metric] - tallyAt(device, since)[metric])
      device.settled[metric] = end
    }
  }

  const isMissed = () => isBlind || now() < blindUntil
  const isAway = () => isSilent || isBlind || now() < silentUntil || now() < blindUntil

  /**
   * The portal goes on calling a gate open whose rules went along with another's, which the agent cannot see at once; or the
   * one at an IP that its device has no more.
   */
  function isCalledOpen({ mac, ip }: Device, mayBeUnseen: boolean): boolean {
    const open = portal.listed().filter((entry) => entry.mac === mac && entry.state === 'Authenticated')
    return open.some((entry) => mayBeUnseen || entry.ip !== ip)
  }

  function noteGates(cause: Cause): void {
    for (const device of devices) {
      const gate = gateOf(device)
      if (gate === device.gate) continue
      const was = device.gate
      const isKnownOpen = was !== undefined && now() - device.openSince > timing.look && !isAway()
      device.gate = gate
      if (was !== undefined) closed(device, cause)
      if (gate !== undefined) opened(device, cause, isKnownOpen)
    }
  }

  function gateOf({ mac, ip }: Device): string | undefined {
    if (!portal.running || !portal.gateOpen(mac)) return undefined
    return portal.listed().find((entry) => entry.mac === mac && entry.ip === ip)?.token
  }

  function closed(device: Device, cause: Cause): void {
    const isOrdered = cause.by === 'agent' && cause.client === device.mac
    const isOwn = cause.by === 'somebody' && cause.mac === device.mac
    const window = isOrdered ? timing.ordered : isOwn ? watchedWindow(device) : timing.look
    if (isOwn) device.shuts = { count: shutsOf(device) + 1, at: now() }
    const from = readUntil(device, isMissed() ? Math.min(savedAt, (blindFrom ?? now()) - timing.look) : now() - window)
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
    if (kernel) return timing.look
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
    device.freeUntil = Math.max(device.freeUntil, now() + timing.look)
    device.unsavedStart ??= now()
  }

  /** Does something to the portal or to a device. */
  function change<T>(act: () => T, cause: Cause = { by: 'portal' }): T {
    touch()
    const done = act()
    noteGates(cause)
    return done
  }

  /** An order or a question of the agent reaches the portal. */
  function ask(args: readonly string[]) {
    const [command, argument = ''] = args
    const found = portal.listed().find(({ mac, ip, token }) => [token, ip, mac].includes(argument))
    const isOrder = command === 'auth' || command === 'deauth'
    return change(
      () => inProcess(portal)([...args]),
      isOrder ? { by: 'agent', client: found?.mac ?? argument } : undefined,
    )
  }

  /**
   * Everything that is broken now: the portal says nothing sensible (`silent`) or nothing at all (`mute`), or there is no agent to ask
   * it (`blind`).
   */
  function trouble(state: { silent: boolean; mute: boolean; blind: boolean }): void {
    touch()
    if (state.silent || isSilent || state.mute) for (const device of devices) disturbed(device)
    if (state.silent && !isSilent) {
      // The use that it could have read before, had it been there, it cannot tell from what passes in the silence.
      const before = isMissed() ? Math.min(savedAt, (blindFrom ?? now()) - timing.look) : now() - timing.look
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

  function arrive(device: Device): void {
    // DHCP gives nobody an IP that somebody has.
    const isTaken = devices.some((other) => other !== device && other.present && other.ip === device.ip)
    if (device.ip === '' || isTaken) device.ip = nextIp()
    join(device)
  }

  function join(device: Device): void {
    device.present = true
    portal.arrive(device.mac, device.ip)
    portal.browse(device.mac)
  }

  // A defect of openNDS 9.10 takes .10 for the beginning of .100 to .109.
  const nextIp = () => `192.168.66.${++ips % 2 === 1 ? 10 + (ips >> 1) : 99 + (ips >> 1)}`

  /** They join, meet the portal page and are gone; the portal keeps them on its list for a while. */
  function passBy(people: number): void {
    for (let index = 0; index < people; index++) {
      const number = ++strangers
      const mac = `02:66:ca:ff:${(number >> 8).toString(16).padStart(2, '0')}:${(number & 255).toString(16).padStart(2, '0')}`
      portal.arrive(mac, `192.168.67.${number % 250}`)
      portal.browse(mac)
      portal.leave(mac)
    }
  }

  const somebody = ({ mac }: Device): Cause => ({ by: 'somebody', mac })

  return {
    portal,
    ask,
    devices,
    byMac,
    /** The slowest call of a healthy portal, in milliseconds. */
    call: timing.call,
    hasNeighbours,
    touch,
    change,
    trouble,
    /** The latest use, which need not have been read yet. */
    unread: (device: Device): Tally => {
      if (device.gate === undefined) return { bytes: 0, milliseconds: 0 }
      const from = now() - timing.look
      return {
        bytes: unsettledSince(device, Math.max(from, device.settled.bytes)).bytes,
        milliseconds: unsettledSince(device, Math.max(from, device.settled.milliseconds)).milliseconds,
      }
    },
    /** From now on the portal or the kernel sees nothing of what passes; or both see all of it. */
    bypass: (device: Device, whom?: 'portal' | 'kernel') => {
      touch()
      disturbed(device)
      if (whom) bypassed.set(device, whom)
      else bypassed.delete(device)
    },
    /** Whether its gate stands open and the kernel lets nothing through. */
    isCut: ({ ip }: Device) => kernel?.isCut(ip) === true,
    /** The kernel's table is gone: what passes beyond its end until the next look nobody charges. */
    loseGuard: () => {
      touch()
      kernel?.lose()
      for (const device of devices) {
        device.freeUntil = Math.max(device.freeUntil, now() + timing.look)
        // The portal's count is left, which does not tell what was dropped of it.
        device.unheard += unreadDrops.get(device) ?? 0
      }
    },
    /** The kernel cuts these no more: what the portal had counted until its next answer was dropped, or nobody can tell it from that. */
    letGo: (ips: readonly string[]) => {
      touch()
      for (const device of devices) {
        if (ips.includes(device.ip)) device.freeUntil = Math.max(device.freeUntil, now() + timing.call)
      }
    },
    /** An agent has read the kernel's table. */
    guardRead: () => unreadDrops.clear(),
    isBypassed: (device: Device) => bypassed.has(device),
    /** Whether the device is there, and the router can tell that its IP is its own. */
    holdsItsIp: ({ mac, ip, present }: Device) => {
      // Where the kernel does not tell, another entry at the IP may be as good as this one.
      const isShared = portal.listed().some((entry) => entry.ip === ip && entry.mac !== mac)
      if (!present || (!hasNeighbours && isShared)) return false
      return portal.neighbours().some((entry) => entry.mac === mac && entry.ip === ip)
    },
    /** The portal calls its gate open, and it lost its rules before this agent began: nothing tells of it. */
    isLostUnseen: (device: Device) => device.closedAt < backAt && isCalledOpen(device, true),
    /** It has an open gate at an IP that it had before, so that nobody looks for another one. */
    isOpenElsewhere: (device: Device) => device.gate === undefined && isCalledOpen(device, false),
    /** For how long nothing has changed about what passes. */
    steadyFor: ({ marks }: Device) => now() - (marks.at(-1)?.at ?? 0),
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
    arrive: (device: Device) => change(() => arrive(device)),
    leave: (device: Device) =>
      change(() => {
        device.present = false
        device.leftAt = now()
        portal.leave(device.mac)
      }),
    newIp: (device: Device) =>
      change(() => {
        disturbed(device)
        device.ip = nextIp()
        if (device.present) arrive(device)
      }),
    takeIp: (device: Device, from: Device, byHand: boolean) =>
      change(() => {
        if (from.ip === '' || from === device || (from.present && !byHand)) return
        for (const one of [device, from]) disturbed(one)
        device.ip = from.ip
        if (device.present) join(device)
      }),
    /** Both are away: when they come back, each gets the other's. */
    swapIps: (one: Device, other: Device) => {
      if (one.present || other.present || one.ip === '' || other.ip === '') return
      for (const swapped of [one, other]) disturbed(swapped)
      const { ip } = one
      one.ip = other.ip
      other.ip = ip
    },
    splash: (device: Device, custom?: string) =>
      change(() => device.gate === undefined && portal.splashLogin(device.mac, custom), somebody(device)),
    deny: (device: Device) => change(() => portal.deny(device.mac), somebody(device)),
    renew: (device: Device) => change(() => portal.renew(device.mac), somebody(device)),
    kick: (device: Device) => change(() => portal.kick(device.mac), somebody(device)),
    passBy: (people: number) => change(() => passBy(people)),
    /** A device that is shut out looks at the portal page every now and then. */
    browse: () =>
      change(() => {
        for (const device of devices) if (device.present && device.gate === undefined) portal.browse(device.mac)
      }),
    restart: () => change(portal.restart),
    stop: () => change(portal.stop),
    start: () => change(portal.start),
    /** The agent died: what it had read and not saved it has to read again, where it still can. */
    died: (diskTook: boolean) => {
      touch()
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
