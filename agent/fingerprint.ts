// Tells the same purchase again from another one under the same id.
import { createHash } from 'node:crypto'
import { Deadline, type parsePurchase } from '../protocol/index.ts'

/** Equal for purchases that mean the same, however they are spelt; unknown fields do not count. */
export function fingerprint(read: ReturnType<typeof parsePurchase>): string {
  const content = 'purchase' in read ? read.purchase : read.unreadable.content
  const { notAfter, ...fields } = { notAfter: undefined, ...Object(content) }
  const until = Deadline.safeParse(notAfter).success ? Date.parse(notAfter) : notAfter
  const sorted = Object.entries({ ...fields, until }).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, 22)
}
