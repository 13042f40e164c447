// Each fault that was put into the fleet, and what came of it: a value, folded from faults, from the agents' events and statuses,
// and from the gates as they stand.
import { describeEvent } from '../../cli/describe.ts'
import type { Event, Status } from '../../protocol/index.ts'
import type { Fault } from './faults.ts'

export interface FaultRecord {
  number: number
  id: Fault['id']
  name: string
  target: Fault['target']
  routerId: string
  /** Milliseconds of the fleet's wall clock, here and below. */
  at: number
  did: string
  /** The devices that it was done to, or those that were online when it was done to all. */
  macs: readonly string[]
  healsAt?: number
  healed?: { at: number; did: string }
  /** The newest last. */
  reactions: readonly Reaction[]
}

/** One thing that was heard of the router, or the same about several devices. */
export interface Reaction {
  at: number
  text: string
  times: number
}

export interface FaultLog {
  /** The newest last. */
  records: readonly FaultRecord[]
  /** The last status of each router. */
  statuses: ReadonlyMap<string, Status>
  /** The devices of each router whose gates were open at the last look. */
  open: ReadonlyMap<string, ReadonlySet<string>>
}

export const emptyFaultLog: FaultLog = { records: [], statuses: new Map(), open: new Map() }

export function addFault(log: FaultLog, record: Omit<FaultRecord, 'reactions'>): FaultLog {
  return { ...log, records: [...log.records, { ...record, reactions: [] }].slice(-recordsKept) }
}

export function healFault(log: FaultLog, number: number, healed: { at: number; did: string }): FaultLog {
  const records = log.records.map((record) => (record.number === number ? { ...record, healed } : record))
  return { ...log, records }
}

export function seeEvent(log: FaultLog, event: Event, now: number): FaultLog {
  const text = textOf(event)
  return text === undefined ? log : react(log, (record) => isAbout(record, event), text, now)
}

export function seeStatus(log: FaultLog, status: Status, now: number): FaultLog {
  const before = log.statuses.get(status.routerId)
  const seen = { ...log, statuses: new Map(log.statuses).set(status.routerId, status) }
  const concerns: About = (record) => record.target === 'fleet' || record.routerId === status.routerId
  return changesIn(before, status).reduce<FaultLog>((after, text) => react(after, concerns, text, now), seen)
}

/** An agent tells the same drift once in five minutes; a gate that is shut or open again shows whatever is told. */
export function seeGates(log: FaultLog, routerId: string, open: ReadonlySet<string>, now: number): FaultLog {
  const before = log.open.get(routerId) ?? open
  const moved = [...new Set([...before, ...open])].filter((mac) => before.has(mac) !== open.has(mac))
  const seen: FaultLog = { ...log, open: new Map(log.open).set(routerId, open) }
  return moved.reduce((after, mac) => {
    const gate = (whose: string) => `${whose} is ${open.has(mac) ? 'open again' : 'shut'}`
    const concerns: About = ({ target, ...record }) =>
      target !== 'fleet' && record.routerId === routerId && record.macs.includes(mac)
    const text = ({ target }: FaultRecord) => gate(target === 'device' ? `the gate of ${mac}` : 'a gate')
    return react(after, concerns, text, now)
  }, seen)
}

/** Whether something may still come of it; once another fault has followed, only while it is still there. */
export function isFresh(log: FaultLog, record: FaultRecord, now: number): boolean {
  const { number, routerId, target, at, healsAt, healed } = record
  const end = healed?.at ?? healsAt ?? at
  const isNext = (other: FaultRecord) => target === 'fleet' || other.target === 'fleet' || other.routerId === routerId
  if (log.records.some((other) => other.number > number && isNext(other))) return !healed && now <= end
  return now <= end + heardFor
}

const recordsKept = 20
/** The first ones: what is heard later is more and more everyday life. */
const reactionsKept = 20
/** An agent may need so long to find a fault, or that it is over. */
const heardFor = 300_000

type About = (record: FaultRecord) => boolean

function react(log: FaultLog, concerns: About, text: string | ((record: FaultRecord) => string), at: number): FaultLog {
  const wordsFor = typeof text === 'string' ? () => text : text
  const records = log.records.map((record) => {
    if (!isFresh(log, record, at) || !concerns(record)) return record
    return { ...record, reactions: added(record.reactions, wordsFor(record), at) }
  })
  return { ...log, records }
}

function added(reactions: readonly Reaction[], text: string, at: number): readonly Reaction[] {
  const last = reactions.at(-1)
  if (last?.text === text) return [...reactions.slice(0, -1), { at, text, times: last.times + 1 }]
  return reactions.length < reactionsKept ? [...reactions, { at, text, times: 1 }] : reactions
}

/** Everyday sales say nothing about a fault. */
function textOf(event: Event): string | undefined {
  // Without the device: the same about seven of them is one line.
  if (event.type === 'gate.drift') return `${event.kind}: ${event.repair}`
  if (event.type === 'purchase.rejected') return event.code === 'storage-failure' ? describeEvent(event) : undefined
  return ['agent.started', 'agent.stopped', 'session.ended'].includes(event.type) ? describeEvent(event) : undefined
}

function isAbout({ target, routerId, macs }: FaultRecord, event: Event): boolean {
  if (target === 'fleet') return event.type !== 'session.ended'
  if (routerId !== event.routerId) return false
  const mac = 'mac' in event ? event.mac : undefined
  return target === 'device' ? mac === undefined || macs.includes(mac) : event.type !== 'session.ended'
}

function changesIn(before: Status | undefined, after: Status): string[] {
  const [old, now] = [before?.warnings ?? [], after.state === 'offline' ? (before?.warnings ?? []) : after.warnings]
  return [
    ...stateIn(before, after),
    ...now.filter((warning) => !old.includes(warning)).map((warning) => `warns: ${warning}`),
    ...old.filter((warning) => !now.includes(warning)).map((warning) => `no longer warns: ${warning}`),
  ]
}

// A router that was lost and is seen again says so by its `since`.
function stateIn(before: Status | undefined, after: Status): string[] {
  if (before?.state !== after.state) return [`${after.routerId} is ${after.state}`]
  return before.since === after.since ? [] : [`${after.routerId} is ${after.state} again`]
}
