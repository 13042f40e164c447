// Sessions of the first two formats of the state folder, in which the meter's fields stood beside the session's own.
import { type Meter, unmetered } from './session.ts'

const ofMeter: ReadonlySet<string> = new Set([...Object.keys(unmetered), 'waitingFor'])

/** A stored session, or where its metering stands, with those fields in its `meter`. */
export function inTheirMeter<T extends { meter: Meter }>(stored: T): T {
  if ('meter' in stored) return stored
  const fields = Object.entries(stored as object)
  const own = fields.filter(([name]) => !ofMeter.has(name))
  return { ...Object.fromEntries(own), meter: Object.fromEntries(fields.filter(([name]) => ofMeter.has(name))) } as T
}
