// A disk, read without the agent: the events in its journal files.
import { inflateRawSync } from 'node:zlib'
import type { Event } from '../../protocol/index.ts'

/** The events in frames of length, CRC-32 and JSON, deflated behind a zero byte; a torn end is passed over. */
export function eventsIn(bytes: Uint8Array): Event[] {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const events: Event[] = []
  for (let at = 0; at + 8 <= file.length; ) {
    const end = at + 8 + file.readUInt32LE(at)
    if (end > file.length) break
    const text = file[at + 8] === 0 ? inflateRawSync(file.subarray(at + 9, end)) : file.subarray(at + 8, end)
    const { records = [] } = JSON.parse(text.toString()) as { records?: { type: string; event: Event }[] }
    events.push(...records.flatMap((record) => (record.type === 'event' ? [record.event] : [])))
    at = end
  }
  return events
}

export const isJournal = (name: string): boolean => /^journal-.*\.log$/.test(name)
export const isCheckpoint = (name: string): boolean => /^checkpoint-.*\.log$/.test(name)
