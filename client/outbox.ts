// The outbox: a purchase is stored, then delivered until it is answered, also after the process was killed. No broker is
// trusted to remember it, and a router sells an id once, however often it comes.
import { uuidv7 } from 'uuidv7'
import { PurchaseId, type PurchaseInput, type RouterId } from '../protocol/index.ts'
import { isSettling, type PurchaseResult, resultOf } from './answers.ts'
import type { Clock } from './clock.ts'
import { createDelivery, type Waiting } from './delivery.ts'
import { FleetError } from './errors.ts'
import type { Link } from './link.ts'
import type { CallOptions } from './options.ts'
import { eventIn, type Json, jsonOf } from './reading.ts'
import { manyListen, sharedControl } from './signals.ts'
import type { Signing } from './signing.ts'
import type { Answer, Entry, Store } from './stores/store.ts'

/** A purchase to make: with an id of the caller's own, the same call again is the same purchase. */
export type Order = PurchaseInput extends infer P ? (P extends unknown ? MaybeWithId<P> : never) : never
type MaybeWithId<P> = Omit<P, 'purchaseId'> & { purchaseId?: string }

export interface Outbox {
  purchase(routerId: RouterId, order: Order, options?: CallOptions): Promise<PurchaseResult>
  outcome(purchaseId: string, options?: CallOptions): Promise<PurchaseResult>
  pending(): readonly Entry[]
  forget(purchaseId: string): Promise<void>
  /** Sends on what an earlier process left; without a store to open yet, does nothing. */
  resume(): Promise<void>
  close(): Promise<void>
}

interface Parts {
  link: Link
  clock: Clock
  prefix: string
  /** Opened with the first purchase, or by `resume`. */
  store: Store
  signing?: Pick<Signing, 'purchase'>
  warn(warning: FleetError): void
  /** RFC 3339, a label only. */
  wall?: () => string
}

const outcomeWithin = 30_000

export function createOutbox(parts: Parts): Outbox {
  const { link, clock, prefix, store, signing, warn, wall = () => new Date().toISOString() } = parts
  const closed = sharedControl()
  const delivery = createDelivery({ link, clock, prefix, signing, hear, warn, closed: closed.signal })
  let opening: Promise<void> | undefined

  function open(): Promise<void> {
    opening ??= store.open().then((entries) => {
      for (const entry of entries) delivery.add(entry)
      void delivery.run()
    })
    return opening
  }

  async function purchase(routerId: RouterId, order: Order, options: CallOptions = {}): Promise<PurchaseResult> {
    options.signal?.throwIfAborted()
    if (closed.signal.aborted) throw new FleetError('closed', 'the client was closed')
    const purchaseId = order.purchaseId ?? uuidv7()
    if (!PurchaseId.safeParse(purchaseId).success) {
      throw new FleetError('invalid-argument', 'purchaseId: give 1 to 128 ASCII characters without blanks')
    }
    const message = { ...order, purchaseId } as PurchaseInput
    await open()
    const entry = await store.put({ purchaseId, routerId, purchase: message, at: wall() }).catch(asStoreFailure)
    if (entry.routerId !== routerId || contentOf(entry.purchase) !== contentOf(message)) {
      throw new FleetError('conflict', `purchaseId ${purchaseId} was used before, for another purchase`)
    }
    if (entry.answer) return resultOf(purchaseId, entry.answer)
    delivery.add(entry)
    return answerTo(purchaseId, options)
  }

  async function outcome(purchaseId: string, options: CallOptions = {}): Promise<PurchaseResult> {
    await open()
    if (delivery.find(purchaseId)) return answerTo(purchaseId, { within: 0, ...options })
    return resultOf(purchaseId, (await store.find(purchaseId))?.answer)
  }

  async function answerTo(
    purchaseId: string,
    { signal, within = outcomeWithin }: CallOptions,
  ): Promise<PurchaseResult> {
    manyListen(signal)?.throwIfAborted()
    const one = delivery.find(purchaseId)
    if (!one) return resultOf(purchaseId, (await store.find(purchaseId))?.answer)
    const over = new AbortController()
    const heard = new Promise<Answer | undefined>((resolve, reject) => {
      one.heard.add(resolve)
      signal?.addEventListener('abort', () => reject(signal.reason), { signal: over.signal })
      void clock.sleep(within, over.signal).then(() => resolve(undefined))
      over.signal.addEventListener('abort', () => one.heard.delete(resolve))
    })
    return resultOf(purchaseId, await heard.finally(() => over.abort()))
  }

  /** Does not hold up the reading: an answer that is lost with the process is given again. */
  function hear(routerId: RouterId, payload: Uint8Array): void {
    const answer = answerIn(jsonOf(payload))
    if (answer?.purchaseId === undefined) return
    const one = delivery.find(answer.purchaseId)
    if (one?.entry.routerId !== routerId) return
    if (isSettling(answer)) void settle(one, answer)
  }

  async function settle(one: Waiting, answer: Answer): Promise<void> {
    const { purchaseId } = one.entry
    delivery.remove(purchaseId)
    // An answer that cannot be stored is asked for again by the next process: the router has it.
    await store.settle(purchaseId, answer).catch((cause) => {
      warn(new FleetError('store-failure', `the outcome of ${purchaseId} could not be stored`, cause))
    })
    for (const tell of one.heard) tell(answer)
  }

  return {
    purchase,
    outcome,
    pending: () => delivery.all().map(({ entry }) => entry),
    async forget(purchaseId) {
      await open()
      const one = delivery.find(purchaseId)
      delivery.remove(purchaseId)
      await store.forget(purchaseId).catch(asStoreFailure)
      for (const tell of one?.heard ?? []) tell()
    },
    resume: open,
    async close() {
      closed.abort()
      delivery.wake()
      for (const { heard } of delivery.all()) for (const tell of heard) tell()
      await opening?.catch(() => {})
      if (opening) await store.close()
    },
  }
}

function answerIn(content: Json | undefined): Answer | undefined {
  if (content?.type !== 'purchase.accepted' && content?.type !== 'purchase.rejected') return undefined
  const event = eventIn(content)
  return event?.type === 'purchase.accepted' || event?.type === 'purchase.rejected' ? event : undefined
}

/** A text that is equal for equal purchases, in whatever order their fields stand. */
function contentOf(purchase: PurchaseInput): string {
  return JSON.stringify(
    Object.entries(purchase)
      .filter(([, value]) => value !== undefined)
      .sort(),
  )
}

function asStoreFailure(cause: unknown): never {
  if (cause instanceof FleetError) throw cause
  throw new FleetError('store-failure', 'the purchase could not be stored, so it was not sent', cause)
}
