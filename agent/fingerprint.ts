// Tells the same purchase again from another one under the same id.
import { createHash } from 'node:crypto'
import { AnyMac, Deadline, type Metric, type parsePurchase } from '../protocol/index.ts'

/**
 * Equal for purchases that mean the same, however they are spelt; unknown fields do not count. `sold`: the metric that this
 * router prices, which a payment need not name.
 */
export function fingerprint(read: ReturnType<typeof parsePurchase>, sold: Metric): string {
  const content: Record<string, unknown> = Object('purchase' in read ? read.purchase : read.unreadable.content)
  const isPaid = content.amount !== undefined || content.unit !== undefined
  const metric = isPaid && content.metric === sold ? undefined : content.metric
  const meaning = fields.map((field) => meaningOf(field, field === 'metric' ? metric : content[field]))
  // Fields that came later count where they are given: without them a purchase is what it always was.
  for (const field of laterFields) if (content[field] !== undefined) meaning.push([field, content[field]])
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

function meaningOf(field: (typeof fields)[number], value: unknown): unknown {
  if (field === 'notAfter' && Deadline.safeParse(value).success) return Date.parse(String(value))
  // No purchase field is an object; a field that is one gets refused, so its content is not compared.
  if (typeof value === 'object') return null
  return field === 'mac' ? (AnyMac.safeParse(value).data ?? String(value)) : value
}
