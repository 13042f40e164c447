// One purchase from the first message to its outcome, its gate and, if wanted, its end, in lines for people.
import type { Event, EventOf, UsageMessage } from '../protocol/index.ts'
import type { BuyOptions } from './buy-arguments.ts'
import { describeAmounts, describeEvent } from './describe.ts'
import { createMonitor } from './monitor.ts'
import { within } from './waiting.ts'

export interface BuyParts {
  print(line: string): void
  /** Aborts when nobody wants to follow it any further. */
  end: AbortSignal
  outcomeWithinMilliseconds?: number
}

/** The exit code: 0 accepted, 1 refused, 3 no outcome in time. */
export async function buy(options: BuyOptions, parts: BuyParts): Promise<0 | 1 | 3> {
  const { print, end, outcomeWithinMilliseconds = 15_000 } = parts
  const { url, routerId, purchase, follow } = options
  const heard = createHeard()
  let status = 'no status on the broker'
  const monitor = createMonitor({
    url,
    routerId,
    onUsage: heard.take,
    onStatus: ({ state }) => {
      status = `its status is ${state}`
    },
  })
  const tooLate = new AbortController()
  const limit = setTimeout(() => tooLate.abort(), outcomeWithinMilliseconds)
  end.addEventListener('abort', () => tooLate.abort())
  let opened = false
  try {
    await within(
      outcomeWithinMilliseconds,
      monitor.open().then(() => {
        opened = true
      }),
    )
    if (!opened) {
      print(`no connection to ${url}: is the broker running there? (--url)`)
      return 3
    }
    print(`${routerId}: purchase ${purchase.purchaseId} for ${purchase.mac}`)
    // A broker that goes away now never says that it has it; the outcome's own limit tells.
    await within(outcomeWithinMilliseconds, monitor.publish(routerId, 'purchase', purchase))
    const outcome = await heard.next(tooLate.signal, (event) => isOutcome(event, purchase.purchaseId))
    if (!outcome) {
      print(`no outcome: the broker has the purchase, but no agent answers for ${routerId} (${status})`)
      print('check the router id and that the agent is connected to this broker; the same --id may be sent again')
      return 3
    }
    if (outcome.type === 'purchase.rejected') {
      print(`refused: ${outcome.code}, ${outcome.message}`)
      return 1
    }
    await followSession(outcome, follow)
    return 0
  } finally {
    clearTimeout(limit)
    await monitor.close()
  }

  async function followSession(accepted: EventOf<'purchase.accepted'>, toTheEnd: boolean): Promise<void> {
    const { session, sessionId } = accepted
    const again = accepted.duplicate ? ' (the answer of the first time)' : ''
    print(`accepted: ${describeAmounts({ [accepted.metric]: accepted.allotment })} in session ${sessionId}${again}`)
    // It tells what was then; the session may be long over.
    if (accepted.duplicate || !session) return
    if (session.state === 'waiting') {
      print('waiting for the gate: the device must be on the Wi-Fi and have seen its portal page (Ctrl-C leaves)')
    } else print(`the gate is ${session.state} already; left are ${describeAmounts(session.remaining)}`)
    let going = session.state === 'waiting' || toTheEnd
    while (going) {
      const event = await heard.next(end, (one) => 'sessionId' in one && one.sessionId === sessionId)
      if (!event) return
      if (event.type === 'session.started') print(`gate open ${event.openedAfterMilliseconds} ms after the purchase`)
      else print(describeEvent(event))
      going = event.type !== 'session.ended' && (event.type !== 'session.started' || toTheEnd)
    }
  }
}

function isOutcome(event: Event, purchaseId: string): event is EventOf<'purchase.accepted' | 'purchase.rejected'> {
  if (event.type !== 'purchase.accepted' && event.type !== 'purchase.rejected') return false
  // The same again would change nothing: that is an answer too.
  const isAnswer = event.final || (event.type === 'purchase.rejected' && event.retry === false)
  return event.purchaseId === purchaseId && isAnswer
}

/** Events in the order they came, each handed out once. */
function createHeard() {
  const events: Event[] = []
  let wake = () => {}
  function take(message: UsageMessage): void {
    if (message.type === 'usage') return
    events.push(message)
    wake()
  }
  /** The next event of that kind; those before it are passed over. `undefined` when the signal aborts first. */
  async function next<T extends Event>(
    signal: AbortSignal,
    wanted: (event: Event) => event is T,
  ): Promise<T | undefined>
  async function next(signal: AbortSignal, wanted: (event: Event) => boolean): Promise<Event | undefined>
  async function next(signal: AbortSignal, wanted: (event: Event) => boolean): Promise<Event | undefined> {
    while (!signal.aborted) {
      for (let event = events.shift(); event; event = events.shift()) if (wanted(event)) return event
      await new Promise<void>((resolve) => {
        wake = resolve
        signal.addEventListener('abort', wake)
      })
      signal.removeEventListener('abort', wake)
    }
    return undefined
  }
  return { take, next }
}
