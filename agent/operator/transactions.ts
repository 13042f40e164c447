// Transactions: an order acts once, however often it comes; the same transaction again is answered with what came of it.
import { createHash } from 'node:crypto'
import type { CommandErrorCode } from '../../protocol/index.ts'
import type { Journal } from '../journal/journal.ts'
import { actsOfLastDay } from '../merchant/acts.ts'
import type { Recorder } from '../recorder.ts'
import { type Clock, nowOf } from '../time/clock.ts'
import { type Answer, refusal } from './answer.ts'
import type { Order } from './incoming.ts'
import { missedDeadline } from './missed-deadline.ts'
import type { OrderId, SessionCommands } from './session-commands.ts'

interface Parts {
  clock: Clock
  journal: Journal
  recorder: Recorder
  orders: SessionCommands
}

// Acts that are remembered; each is for at least a day.
const mostActs = 4000

export function createTransactions({ clock, journal, recorder, orders }: Parts) {
  const underWay = new Map<string, { content: string; answer: Promise<Answer> }>()

  async function obey(order: Order, content: string): Promise<Answer> {
    const before = actOf(order)
    if (before) return before.content === content ? orders.again(order, before) : usedBefore
    if (actsOfLastDay(journal.books).length >= mostActs) {
      return refusal('busy', `${mostActs} orders were given within a day, and each is remembered for one: try tomorrow`)
    }
    const id = { transaction: order.transaction, content }
    const answer = missedDeadline(order, nowOf(clock), journal.books) ?? (await orders.carryOut(order, id))
    // Remembered, so that the same order sent again does not act on whatever is there by then.
    if ('code' in answer && !actOf(order)) await rememberRefusal(id, answer.code)
    return answer
  }

  const actOf = ({ transaction }: Order) => journal.books.acts.find((act) => act.transaction === transaction)

  async function rememberRefusal(id: OrderId, code: CommandErrorCode): Promise<void> {
    const act = { ...id, code, seqs: [], epoch: journal.books.epoch }
    await recorder.inTurn((turn) => turn.append([], { records: [{ type: 'acted', act }] }))
  }

  return async function actOnce(order: Order): Promise<Answer> {
    const { transaction } = order
    const content = contentOf(order)
    const same = underWay.get(transaction)
    if (same) return same.content === content ? same.answer : usedBefore
    const answer = obey(order, content).finally(() => underWay.delete(transaction))
    underWay.set(transaction, { content, answer })
    return answer
  }
}

const usedBefore = refusal('conflict', 'this transaction was used before, for another command: use a new one')

/** A hash of the command and its arguments, the same however the order is sent. */
function contentOf({ transaction: _t, notAfter: _n, replyTo: _r, ...order }: Order): string {
  const fields = Object.entries(order).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(fields)).digest('base64url').slice(0, 22)
}
