// `buy`: one purchase by hand, to its outcome, its gate and, if wanted, its end.
import type { Fleet, Order, Taken } from '../client/index.ts'
import type { EventOf } from '../protocol/index.ts'
import { type Context, withFleet } from './context.ts'
import { describeAmounts, describeEvent } from './describe.ts'
import { done, type ExitCode, noAnswer, refused } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export interface BuyOptions {
  routerId: string
  order: Order & { purchaseId: string }
  follow: boolean
  /** Milliseconds until nobody waits any more; without it the outcome is waited for, and then the gate for ever. */
  within: number | undefined
}

const outcomeWithin = 15_000

export async function buy(context: Context, { routerId, order, follow, within }: BuyOptions): Promise<ExitCode> {
  const { terminal, end } = context
  return withFleet(context, async (fleet) => {
    // Listening before buying: nothing that comes of it is missed.
    let listening = () => {}
    const ready = new Promise<void>((resolve) => {
      listening = resolve
    })
    const late = within === undefined ? undefined : AbortSignal.timeout(within)
    const events = fleet.events({
      ...{ from: 'now', routers: [routerId], onListening: () => listening() },
      ...(late && { signal: late }),
    })
    const first = events.next()
    first.catch(() => {})
    await Promise.race([ready, first])
    terminal.say(`${routerId}: purchase ${order.purchaseId} for ${order.mac}`)
    const result = await fleet.purchase(routerId, order, { within: within ?? outcomeWithin })
    terminal.json(result)
    try {
      if (result.outcome === 'unknown') {
        terminal.complain(await whyNobodyAnswers(fleet, routerId))
        return noAnswer
      }
      if (result.outcome === 'refused') {
        terminal.complain(`refused: ${result.code}, ${result.event.message}`)
        return refused
      }
      const isSeen = await followSession(result.event, chained(first, events), { terminal, follow, end }).catch(
        (error) => {
          if (late?.aborted) return false
          throw error
        },
      )
      if (isSeen || end.aborted) return done
      terminal.complain(`nobody waits any longer; the purchase stands: see tollgate-fleet explain ${order.purchaseId}`)
      return noAnswer
    } finally {
      // The stream ends with the client.
      void events.return().catch(() => {})
    }
  })
}

async function whyNobodyAnswers(fleet: Fleet, routerId: string): Promise<string> {
  const state = (await fleet.routers({ within: 1000 })).find((router) => router.routerId === routerId)?.state
  const status = state === undefined ? 'has told the broker nothing of itself' : `is ${state}`
  return `no outcome: the broker has the purchase, and ${routerId} ${status}\ncheck the router id and that the agent is connected to this broker; the same --id may be sent again`
}

async function* chained(first: Promise<IteratorResult<Taken, void>>, rest: AsyncGenerator<Taken, void, void>) {
  const { value, done: isOver } = await first
  if (isOver || !value) return
  yield value
  yield* rest
}

/** Whether all that was to be seen of it was seen. */
async function followSession(
  accepted: EventOf<'purchase.accepted'>,
  events: AsyncIterable<Taken>,
  { terminal, follow, end }: { terminal: Terminal; follow: boolean; end: AbortSignal },
): Promise<boolean> {
  const { session, sessionId, metric, allotment } = accepted
  const again = accepted.duplicate ? ' (the answer of the first time)' : ''
  terminal.say(`accepted: ${describeAmounts({ [metric]: allotment })} in session ${sessionId}${again}`)
  // A repeated answer tells of its own time; the session may be long over.
  if (accepted.duplicate || !session) return true
  if (session.state === 'waiting') {
    terminal.say('waiting for the gate: the device must be on the Wi-Fi and have seen its portal page (Ctrl-C leaves)')
  } else terminal.say(`the gate is ${session.state} already; left are ${describeAmounts(session.remaining)}`)
  if (session.state !== 'waiting' && !follow) return true
  for await (const { item } of events) {
    if (end.aborted) return false
    if (!('sessionId' in item) || item.sessionId !== sessionId || item.type === 'purchase.accepted') continue
    terminal.json(item)
    if (item.type === 'session.started') terminal.say(`gate open ${item.openedAfterMilliseconds} ms after the purchase`)
    else terminal.say(describeEvent(item))
    if (item.type === 'session.ended' || (item.type === 'session.started' && !follow)) return true
  }
  return false
}
