// Tells the same purchase again from another one under the same id.
import { createHash } from 'node:crypto'
import { AnyMac, Deadline, type parsePurchase } from '../protocol/index.ts'

/** Equal for purchases that mean the same, however they are spelt; unknown fields do not count. */
export function fingerprint(read: ReturnType<typeof parsePurchase>): string {
  const content: Record<string, unknown> = Object('purchase' in read ? read.purchase : read.unreadable.content)
  // A field that came later counts only where it is given: what was sold before it existed keeps its fingerprint.
  const given = laterFields.filter((field) => content[field] !== undefined)
  const meaning = [...fields, ...given].map((field) => meaningOf(field, content[field]))
  return createHash('sha256').update(JSON.stringify(meaning)).digest('base64url').slice(0, 22)
}

const fields = [
  'purchaseId',
  'mac',
  'amount',
  'unit',
  'source',
  'metric',
  'allotment',
  'reference',
  'notAfter',
] as const
const laterFields = ['startWithin'] as const

function meaningOf(field: (typeof fields)[number] | (typeof laterFields)[number], value: unknown): unknown {
  if (field === 'mac') return AnyMac.safeParse(value).data ?? String(value)
  if (field === 'notAfter' && Deadline.safeParse(value).success) return Date.parse(String(value))
  // No field of a purchase has parts; what has is refused whatever they are.
  return typeof value === 'object' ? null : value
}
