// The site: the mock portal with the devices behind it, and the truth about them: what passed, when a gate was open, and
// what of that the portal ever showed to a living agent.
import { inProcess } from '../../broker-dev/portal/in-process.ts'
import { createPortal, type Flavour, type MockPortal } from '../../broker-dev/portal/world.ts'
import type { Dice } from './dice.ts'
import { macOf } from './script.ts'

/** One device as it really is. Bytes are up and down together, since the simulation began. */
export interface Device {
  number: number
  mac: string
  ip: string
  present: boolean
  /** Bytes per millisecond that it sends and receives while its gate is open. */
  down: number
  up: number
  isOpen: boolean
  passed: number
  /** Milliseconds in which the gate was open, or the portal showed it open. */
  openMilliseconds: number
  /** Bytes that nobody can charge: the portal was down, or shut the gate before it was read again. */
  free: number
  /** Bytes since the portal was last read. */
  unread: number
  /** Of what was read, what an agent killed now has to read again; and what it could not read again. */
  unsaved: number
  unsavedForGood: number
  /** Milliseconds between two readings that both showed the same opening of its gate; and what of them is not saved. */
  seenOpen: number
  seenUnsaved: number
  readAt: number | undefined
  /** Bytes of the reading just before a shut, which counts only when the shut is answered. */
  lastReading: number
  openings: number
  /** What the portal last showed a living agent of it, in a whole list. */
  shown: Shown[]
  /** Whether it has shown the gate open since then, or then. */
  wasShownOpen: boolean
  /** Somebody opened its gate without the agent: what passes until the next reading is given away. */
  openedByOthers: boolean
  /** The agent began to measure at an entry it had not seen shut, and has not saved that point: a crash loses it. */
  isStartUnsaved: boolean
}

export interface Shown {
  token: string
  ip: string
  open: boolean
}

export type Site = ReturnType<typeof createSite>

export function createSite(flavour: Flavour, count: number, dice: Dice, now: () => number, wall: () => number) {
  const portal: MockPortal = createPortal({ flavour, now: wall, random: dice.roll, maxClients: 250 })
  const devices = Array.from({ length: count }, (_, index): Device => aDevice(index + 1))
  const byMac = new Map(devices.map((device) => [device.mac, device]))
  let ips = 0
  let touched = now()

  function aDevice(number: number): Device {
    const zero = { passed: 0, openMilliseconds: 0, free: 0, unread: 0, unsaved: 0, unsavedForGood: 0, openings: 0 }
    const seen = { seenOpen: 0, seenUnsaved: 0, readAt: undefined, lastReading: 0 }
    const still = {
      present: false,
      down: 0,
      up: 0,
      isOpen: false,
      shown: [],
      wasShownOpen: false,
      openedByOthers: false,
      isStartUnsaved: false,
    }
    return { number, mac: macOf(number), ip: '', ...still, ...zero, ...seen }
  }

  /** Lets pass what passed since it was last called; whatever changes a gate calls it first. */
  function touch(): void {
    const milliseconds = now() - touched
    touched = now()
    if (milliseconds <= 0) return
    for (const device of devices) {
      const volume = { downloaded: device.down * milliseconds, uploaded: device.up * milliseconds }
      const { downloaded, uploaded } = portal.transfer(device.mac, volume)
      device.passed += downloaded + uploaded
      if (!portal.running) device.free += downloaded + uploaded
      else device.unread += downloaded + uploaded
      if (device.isOpen || device.wasShownOpen) device.openMilliseconds += milliseconds
    }
    noteGates()
  }

  function noteGates(): void {
    for (const device of devices) {
      const isOpen = portal.running && portal.gateOpen(device.mac)
      if (isOpen === device.isOpen) continue
      device.isOpen = isOpen
      if (isOpen) device.openings++
      else giveAway(device)
    }
  }

  function giveAway(device: Device): void {
    device.free += device.unread
    device.unread = 0
    device.unsavedForGood += device.unsaved
    device.unsaved = 0
  }

  /** Does something to the portal or to a device. */
  function change<T>(act: () => T): T {
    touch()
    const done = act()
    noteGates()
    return done
  }

  /** The agent was shown this list: what passed until it was made counts as read. */
  function shown(devicesThen: ReturnType<typeof reading>): void {
    for (const { device, entries, unread } of devicesThen) {
      const before = new Set(device.shown.map((entry) => entry.token))
      const goesOn = entries.some((entry) => entry.open && before.has(entry.token)) && !device.openedByOthers
      const read = Math.min(unread, device.unread)
      device.unread -= read
      if (goesOn) device.unsaved += read
      else device.free += read
      if (!goesOn && entries.some((entry) => entry.open)) device.isStartUnsaved = true
      const openBefore = new Set(device.shown.filter((entry) => entry.open).map((entry) => entry.token))
      if (device.readAt !== undefined && entries.some((entry) => entry.open && openBefore.has(entry.token))) {
        device.seenOpen += now() - device.readAt
        device.seenUnsaved += now() - device.readAt
      }
      device.readAt = entries.some((entry) => entry.open) ? now() : undefined
      device.openedByOthers = false
      device.shown = entries
      device.wasShownOpen = entries.some((entry) => entry.open)
    }
  }

  /** The agent was shown some entries at openNDS: what for, nobody outside can tell, so what they showed may count or not. */
  function shownSome(devicesThen: ReturnType<typeof reading>): void {
    for (const { device, entries } of devicesThen) device.wasShownOpen ||= entries.some((entry) => entry.open)
  }

  /** The agent was shown one entry before it shuts that gate. */
  function shownOne(devicesThen: ReturnType<typeof reading>): void {
    for (const { device, entries, unread } of devicesThen) {
      if (entries.length === 0) continue
      const read = Math.min(unread, device.unread)
      device.unread -= read
      device.lastReading = read
      if (device.openedByOthers) device.free += read
      else device.unsaved += read
    }
  }

  /** The agent was told that the portal is down: it begins to measure time anew. */
  function shownDown(): void {
    for (const device of devices) device.readAt = undefined
  }

  function shutAnswered(): void {
    for (const device of devices) device.lastReading = 0
  }

  /** A shut was not answered: the reading before it was for nothing. */
  function shutUnanswered(): void {
    for (const device of devices) {
      device.free += device.lastReading
      device.lastReading = 0
    }
  }

  /** What an answer says of every device, and how much of the truth is in it. */
  function reading(text: string) {
    const all = entriesIn(text)
    return devices.map((device) => ({ device, entries: all.get(device.mac) ?? [], unread: device.unread }))
  }

  function arrive(device: Device): void {
    device.ip ||= nextIp()
    device.present = true
    portal.arrive(device.mac, device.ip)
    portal.browse(device.mac)
  }

  const nextIp = () => `192.168.66.${100 + (++ips % 150)}`

  return {
    portal,
    ask: inProcess(portal),
    devices,
    byMac,
    touch,
    change,
    shown,
    shownOne,
    shownSome,
    shownDown,
    shutAnswered,
    shutUnanswered,
    reading,
    arrive: (device: Device) => change(() => arrive(device)),
    leave: (device: Device) =>
      change(() => {
        device.present = false
        portal.leave(device.mac)
      }),
    newIp: (device: Device) =>
      change(() => {
        device.ip = nextIp()
        if (device.present) arrive(device)
      }),
    splash: (device: Device) =>
      change(() => {
        if (!device.isOpen && portal.splashLogin(device.mac)) device.openedByOthers = true
      }),
    /** Whoever is shut out looks at the portal page every now and then. */
    browse: () =>
      change(() => {
        for (const device of devices) if (device.present && !device.isOpen) portal.browse(device.mac)
      }),
    restart: () => change(portal.restart),
    stop: () => change(portal.stop),
    start: () => change(portal.start),
    /** The agent died: what it had read and not saved has to be read again, if its disk took the point to start from. */
    forgetUnsaved: (diskTook: boolean) => {
      touch()
      for (const device of devices) {
        device.unread += device.unsaved
        device.free += device.unsavedForGood
        device.seenOpen -= device.seenUnsaved
        device.readAt = undefined
        device.openedByOthers ||= !diskTook || device.isStartUnsaved
        device.isStartUnsaved = false
        device.unsaved = device.unsavedForGood = device.seenUnsaved = 0
      }
    },
    saved: () => {
      for (const device of devices) {
        device.unsaved = device.unsavedForGood = device.seenUnsaved = 0
        device.isStartUnsaved = false
      }
    },
  }
}

const entry = /"ip":\s*"([^"]*)"[^}]*?"mac":\s*"([^"]*)"|"mac":\s*"([^"]*)"[^}]*?"ip":\s*"([^"]*)"/

/** The entries in an answer of either dialect, duplicate keys and all. */
export function entriesIn(text: string): Map<string, Shown[]> {
  const entries = new Map<string, Shown[]>()
  for (const [object] of text.matchAll(/\{[^{}]*"token"[^{}]*\}/g)) {
    const found = entry.exec(object)
    const mac = found?.[2] ?? found?.[3] ?? ''
    const ip = found?.[1] ?? found?.[4] ?? ''
    const token = /"token":\s*"([^"]*)"/.exec(object)?.[1] ?? ''
    const open = /"state":\s*"Authenticated"/.test(object)
    entries.set(mac, [...(entries.get(mac) ?? []), { token, ip, open }])
  }
  return entries
}
