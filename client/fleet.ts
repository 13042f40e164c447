// The client: `connectFleet` opens it, and everything it can do is a method of what that resolves to.
import { existsSync } from 'node:fs'
import { RouterId, type Usage } from '../protocol/index.ts'
import { addressesOf, namesOf } from './address.ts'
import type { PurchaseResult } from './answers.ts'
import { type Asked, type CommandResult, createAsking, type Question } from './asking.ts'
import { type Clock, realTime } from './clock.ts'
import { FleetError } from './errors.ts'
import { type EventsOptions, eventsOf, type Taken } from './events.ts'
import { createLink, type Link } from './link.ts'
import type { RouterView } from './liveness.ts'
import { type CallOptions, type FleetOptions, prefixOf } from './options.ts'
import { createOutbox, type Order } from './outbox.ts'
import { sharedControl } from './signals.ts'
import { createSigning } from './signing.ts'
import { folderStore } from './stores/folder-store.ts'
import type { Entry } from './stores/store.ts'
import { createWatching, type Report } from './watching.ts'

export interface Fleet extends AsyncDisposable {
  /**
   * Sells: resolves with the one outcome, or with `unknown` when there is none within `within` (30 s); it is sent on all the
   * same, and the same call again waits for the same outcome. Throws faults only, and then nothing was sold.
   */
  purchase(routerId: string, order: Order, options?: CallOptions): Promise<PurchaseResult>
  /** The outcome as far as it is known; waits for it only where `within` says so. */
  outcome(purchaseId: string, options?: CallOptions): Promise<PurchaseResult>
  /** The purchases that have no outcome yet. */
  pending(): readonly Entry[]
  /** Stops sending a purchase. The router may have sold it all the same. */
  forget(purchaseId: string): Promise<void>
  /** Every event once, in order for each router, until the loop is left or the client is closed. */
  events(options?: EventsOptions): AsyncGenerator<Taken, void, void>
  /** The latest of each router, by the first call's subscription. */
  routers(options?: CallOptions): Promise<RouterView[]>
  /** The latest usage report of each router that is there. */
  usage(options?: CallOptions): Promise<Usage[]>
  /** Statuses and usage reports as they come; who reads slowly gets the latest of each. */
  reports(options?: { signal?: AbortSignal }): AsyncGenerator<Report, void, void>
  /** `ok`, `error` with a code, or `unknown` where nobody answered in time; sent until it is answered, done once. */
  command<C extends Question | Acting>(
    routerId: string,
    command: { command: C } & Asked<C>,
    options?: CallOptions,
  ): Promise<CommandResult<C>>
  /** Only asks, on the topic that a monitor may publish to. */
  query<C extends Question>(
    routerId: string,
    question: { command: C } & Asked<C>,
    options?: CallOptions,
  ): Promise<CommandResult<C>>
  close(): Promise<void>
}

type Acting = 'session.end' | 'session.pause' | 'session.resume' | 'session.move'

const defaultStore = './tollgate-outbox'

export async function connectFleet(options: FleetOptions, clock: Clock = realTime): Promise<Fleet> {
  const { signal, onWarning: warn = () => {} } = options
  signal?.throwIfAborted()
  const prefix = prefixOf(options)
  const addresses = addressesOf(options, warn)
  const signing = await createSigning(options.signing, prefix)
  const name = namesOf(options)
  const newLink = () => createLink({ addresses, name, clock, warn })
  const call = { ...(signal && { signal }), ...(options.within !== undefined && { within: options.within }) }
  const closing = sharedControl()
  const link = newLink()
  const given = options.store ?? defaultStore
  const store = typeof given === 'string' ? folderStore(given) : given
  const outbox = createOutbox({ link, clock, prefix, store, signing, warn })
  const asking = createAsking({ link, clock, prefix, signing })
  const watching = createWatching({
    link,
    clock,
    prefix,
    closed: closing.signal,
    keepReports: options.keepReports ?? true,
  })

  async function openLink(): Promise<Link> {
    const own = newLink()
    await own.open(call)
    return own
  }

  async function close(): Promise<void> {
    closing.abort()
    await outbox.close()
    await link.close()
  }

  try {
    await resumeOutbox()
    await link.open(call)
  } catch (error) {
    await close()
    throw error
  }
  signal?.addEventListener('abort', () => void close(), { once: true })

  /** Sends on the purchases that an earlier process left. Another process may hold the default folder: until a sale that is a warning. */
  async function resumeOutbox(): Promise<void> {
    if (options.store !== undefined) return outbox.resume()
    if (!existsSync(defaultStore)) return
    await outbox.resume().catch((error) => {
      if (!(error instanceof FleetError && error.code === 'store-locked')) throw error
      warn(error)
    })
  }

  return {
    purchase: async (id, order, given) => outbox.purchase(routerIdOf(id), order, given),
    outcome: outbox.outcome,
    pending: outbox.pending,
    forget: outbox.forget,
    events: (given = {}) => eventsOf({ openLink, clock, prefix, warn, closed: closing.signal }, given),
    routers: watching.routers,
    usage: watching.usage,
    reports: watching.reports,
    command: async (id, command, given) => asking.ask(routerIdOf(id), 'command', command, given),
    query: async (id, question, given) => asking.ask(routerIdOf(id), 'query', question, given),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function routerIdOf(text: string): RouterId {
  const parsed = RouterId.safeParse(text)
  if (!parsed.success)
    throw new FleetError('invalid-argument', `router id: ${text} is none: give 1 to 64 of A-Z a-z 0-9 _ -`)
  return parsed.data
}
