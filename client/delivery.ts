// Purchases on their way: each is published again, with a growing pause, until it is answered. Each of them is in the store;
// a process that is killed loses nothing of it.
import { type RouterId, topicOf } from '../protocol/index.ts'
import { backOff, type Clock } from './clock.ts'
import { FleetError } from './errors.ts'
import type { Link } from './link.ts'
import type { Signing } from './signing.ts'
import type { Answer, Entry } from './stores/store.ts'

export interface Waiting {
  entry: Entry
  attempts: number
  dueAt: number
  isSending: boolean
  /** Called with the answer, or without one when the client is closed. */
  heard: Set<(answer?: Answer) => void>
}

interface Parts {
  link: Link
  clock: Clock
  prefix: string
  /** Without it purchases go as they are. */
  signing?: Pick<Signing, 'purchase'> | undefined
  /** A message on the usage topic of a router that a purchase goes to. */
  hear(routerId: RouterId, payload: Uint8Array): void
  warn(warning: FleetError): void
  closed: AbortSignal
}

const firstPause = 3000
const longestPause = 60_000
// The most purchases on their way to the broker at once.
const windowSize = 32

export function createDelivery({ link, clock, prefix, signing, hear, warn, closed }: Parts) {
  const waiting = new Map<string, Waiting>()
  const listening = new Map<RouterId, Promise<unknown>>()
  let sending = 0
  let alarm = new AbortController()

  function add(entry: Entry): void {
    if (waiting.has(entry.purchaseId)) return
    waiting.set(entry.purchaseId, { entry, attempts: 0, dueAt: clock.now(), isSending: false, heard: new Set() })
    wake()
  }

  async function run(): Promise<void> {
    while (!closed.aborted) {
      const now = clock.now()
      const idle = [...waiting.values()].filter((one) => !one.isSending)
      const due = link.connected ? idle.filter(({ dueAt }) => dueAt <= now).slice(0, windowSize - sending) : []
      for (const one of due) void send(one)
      const next = Math.min(...idle.filter((one) => !due.includes(one)).map(({ dueAt }) => dueAt))
      const isBlocked = !link.connected || sending >= windowSize
      alarm = new AbortController()
      const pause = isBlocked || next === Number.POSITIVE_INFINITY ? longestPause : Math.max(1, next - now)
      await clock.sleep(pause, alarm.signal)
    }
  }

  function wake(): void {
    alarm.abort()
  }

  async function send(one: Waiting): Promise<void> {
    const { routerId, purchase } = one.entry
    one.isSending = true
    sending++
    try {
      await listenTo(routerId)
      const message = (await signing?.purchase(routerId, purchase)) ?? purchase
      await link.publish(topicOf(routerId, 'purchase', prefix), message, { signal: closed })
    } catch (error) {
      // A lost connection and a slow broker need no word: it is sent again at the next connection, or after a while.
      if (error instanceof FleetError && error.code === 'unauthorised') warn(error)
    } finally {
      one.dueAt = clock.now() + backOff(one.attempts++, firstPause, longestPause)
      one.isSending = false
      sending--
      wake()
    }
  }

  /** An answer comes only to those who have subscribed before it was given. */
  function listenTo(routerId: RouterId): Promise<unknown> {
    const known = listening.get(routerId)
    if (known) return known
    const subscribed = link.subscribe(topicOf(routerId, 'usage', prefix), ({ payload }) => hear(routerId, payload))
    listening.set(routerId, subscribed)
    subscribed.catch(() => listening.delete(routerId))
    return subscribed
  }

  // A new connection may lead to a broker that lost what it held: every waiting purchase is published again.
  link.onConnected(() => {
    for (const one of waiting.values()) one.dueAt = clock.now()
    wake()
  })

  return {
    add,
    run,
    wake,
    find: (purchaseId: string) => waiting.get(purchaseId),
    remove: (purchaseId: string) => waiting.delete(purchaseId),
    all: () => [...waiting.values()],
  }
}
