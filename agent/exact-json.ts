// JSON with integers of any size: a sum beyond 2^53 stands there digit by digit, where JSON.stringify would refuse it.
import { randomUUID } from 'node:crypto'

/** The message as JSON; every bigint in it as a number. */
export function exactJson(message: unknown): string {
  const json = JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? `${mark}${value}` : value))
  return json.replaceAll(marked, '$1')
}

// Drawn anew by every process, so that no text from outside is taken for a number.
const mark = `${randomUUID()}:`
const marked = new RegExp(`"${mark}(-?\\d+)"`, 'g')
