// Packing: metering as it stands on disk. It is written every minute for every session, so names and boot ids stand there
// once or not at all; a day of 50 sessions is a third of what plain JSON would be.
import { Mac } from '../../protocol/index.ts'
import type { JournalRecord, Metered, Metering } from '../merchant/books.ts'
import type { Moment } from '../moment.ts'

export type PackedRecord = Exclude<JournalRecord, Metered> | PackedMetered

interface PackedMetered {
  type: 'm'
  boots: string[]
  sessions: PackedMetering[]
}

/** A moment: nothing, milliseconds in the first boot, or in another one; `same` as the moment before it. */
type PackedMoment = null | number | [boot: number, at: number] | 'same'
type PackedMetering = [
  mac: string,
  used: number[],
  baseline: [token: string, ip: string, downloaded: number, uploaded: number][],
  seenOpen: PackedMoment,
  readAt: PackedMoment,
  downloaded: number,
  uploaded: number,
  openMilliseconds: number,
  bytesPerSecond: number,
  overshootBytes: number,
]

export function pack(record: JournalRecord): PackedRecord {
  if (record.type !== 'metered') return record
  const boots: string[] = []
  return { type: 'm', boots, sessions: record.sessions.map((session) => packMetering(session, boots)) }
}

export function unpack(record: PackedRecord): JournalRecord {
  if (record.type !== 'm') return record
  return { type: 'metered', sessions: record.sessions.map((session) => unpackMetering(session, record.boots)) }
}

function packMetering(session: Metering, boots: string[]): PackedMetering {
  const { seenOpen, readAt } = session
  const isSame = seenOpen !== null && seenOpen.at === readAt?.at && seenOpen.bootId === readAt.bootId
  return [
    session.mac,
    session.used,
    session.baseline.map(({ token, ip, downloaded, uploaded }) => [token, ip, downloaded, uploaded]),
    packMoment(seenOpen, boots),
    isSame ? 'same' : packMoment(readAt, boots),
    session.downloaded,
    session.uploaded,
    session.openMilliseconds,
    session.bytesPerSecond,
    session.overshootBytes,
  ]
}

function unpackMetering(packed: PackedMetering, boots: readonly string[]): Metering {
  const [mac, used, baseline, seenOpen, readAt, downloaded, uploaded, openMilliseconds, rate, overshootBytes] = packed
  const opened = unpackMoment(seenOpen, boots)
  return {
    mac: Mac.parse(mac),
    used,
    baseline: baseline.map(([token, ip, down, up]) => ({ token, ip, downloaded: down, uploaded: up })),
    seenOpen: opened,
    readAt: readAt === 'same' ? opened : unpackMoment(readAt, boots),
    ...{ downloaded, uploaded, openMilliseconds, bytesPerSecond: rate, overshootBytes },
  }
}

function packMoment(moment: Moment | null, boots: string[]): PackedMoment {
  if (!moment) return null
  if (!boots.includes(moment.bootId)) boots.push(moment.bootId)
  const boot = boots.indexOf(moment.bootId)
  return boot === 0 ? moment.at : [boot, moment.at]
}

function unpackMoment(packed: PackedMoment, boots: readonly string[]): Moment | null {
  if (packed === null || packed === 'same') return null
  const [boot, at] = typeof packed === 'number' ? [0, packed] : packed
  return { bootId: boots[boot] ?? '', at }
}
