// The deadline of a command: one that is past is refused, and does nothing.
import type { Command, CommandError } from '../../protocol/index.ts'
import type { Books } from '../merchant/books.ts'
import { isPast } from '../merchant/deadline.ts'
import type { Now } from '../time/moment.ts'
import { refusal } from './answer.ts'

export function missedDeadline({ notAfter }: Command, now: Now, books: Books): CommandError | undefined {
  if (notAfter === undefined || !isPast(notAfter, now, books)) return undefined
  return refusal('expired', `it came after its notAfter, ${notAfter}: give the order again`)
}
