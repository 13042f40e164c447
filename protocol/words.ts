// Faults of a message in words that name the field and what to give instead.
import type * as z from 'zod'

/** The values that each field of a message to a router may have. */
const wanted: Record<string, string> = {
  purchaseId: '1 to 128 ASCII characters without blanks, as text',
  mac: "one device's MAC address, such as ac:e0:10:12:2d:75",
  from: 'the MAC address of the device that has the session, such as ac:e0:10:12:2d:75',
  to: 'the MAC address of the device that gets the session, such as ac:e0:10:12:2d:75',
  amount: 'a number of 0 or more with at most 15 significant digits',
  unit: 'the unit of the amount, text of 1 to 64 characters',
  source: 'text of 1 to 256 characters, or leave it out',
  metric: '"bytes" or "milliseconds"',
  allotment: 'a whole number from 0 to 9007199254740991',
  reference: 'text of up to 256 characters, or leave it out',
  notAfter: 'a time such as 2026-11-22T12:00:00Z, or leave it out',
  startWithin: 'a whole number of milliseconds, or leave it out',
  transaction: 'text of 1 to 128 characters that no other command has',
  command: 'the name of a command',
  sessionId: 'text of 1 to 64 characters',
  replyTo: '1 to 64 of A-Z a-z 0-9 _ - that are not the name of a channel, or leave it out',
  epoch: 'the epoch of the journal, as text',
  fromSeq: 'the number of the first event, 1 or more',
  toSeq: 'the number of the last event, 1 or more',
}

const mostOfAValue = 64

/** Every fault of a message in one sentence each. */
export function faultsInWords(error: z.core.$ZodError, content: object): string {
  const faults = new Map(error.issues.map((issue) => [issue.path.join('.'), faultInWords(issue, content)]))
  return [...faults.values()].join('; ')
}

function faultInWords({ path, message }: z.core.$ZodIssue, content: object): string {
  const field = path.join('.')
  const value = (content as Record<string, unknown>)[field]
  const give = wanted[field]
  if (give === undefined) return field === '' ? message : `${field}: ${message}`
  if (value === undefined) return `${field} is missing: give ${give}`
  const shown = JSON.stringify(value) ?? String(value)
  const cut = shown.length > mostOfAValue ? `${shown.slice(0, mostOfAValue)}…` : shown
  return `${field} cannot be ${cut}: give ${give}`
}
