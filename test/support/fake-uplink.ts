// An uplink without a broker: the test connects it, delivers to it, and sees what it published.
import type * as z from 'zod'
import { exactJson } from '../../agent/exact-json.ts'
import type { Incoming, LastWill, Uplink, UplinkHandlers } from '../../agent/uplink/uplink.ts'
import {
  type Channel,
  type Event,
  type LiveStatus,
  Reply,
  Status,
  type Usage,
  UsageMessage,
} from '../../protocol/index.ts'
import { bytesOf } from './builders.ts'

export interface Published {
  channel: Channel
  message: Record<string, unknown>
  retain: boolean
}

export interface FakeUplink extends Uplink {
  readonly published: Published[]
  /** Messages that were published against the contract. */
  readonly invalid: string[]
  readonly lastWill: Status | undefined
  connect(): void
  /** The connection is lost: what is not acknowledged never will be. */
  disconnect(): void
  /** The broker takes messages and acknowledges none, until the returned function is called. */
  holdAcknowledgements(): () => void
  /** Delivers to the purchase topic; resolves when the agent acknowledges, rejects when the broker must keep it. */
  purchase(message: unknown, options?: { retained?: boolean }): Promise<void>
  /** How often the agent left in order to come back. */
  readonly rejoined: number
  /** Delivers to the command topic; resolves with the reply. */
  command(message: unknown): Promise<Reply>
  /** Events sent again by a replay. */
  readonly replayed: Record<string, unknown>[]
  /** Messages of the usage topic; events that are journalled, answers and reports alike. */
  usage(): (Event | Usage)[]
  status(): Status | undefined
  liveStatus(): LiveStatus
}

export function fakeUplink(): FakeUplink {
  const published: Published[] = []
  const invalid: string[] = []
  const replayed: Record<string, unknown>[] = []
  let handlers: UplinkHandlers | undefined
  let lastWill: (() => LastWill) | undefined
  let connected = false
  let kept = 0
  let rejoined = 0
  let held: Promise<void> | undefined
  const unacknowledged = new Set<(cause: Error) => void>()

  function open(): UplinkHandlers {
    if (!handlers) throw new Error('the agent has not opened the uplink')
    return handlers
  }

  function check(channel: Channel, message: object): void {
    const offence = offenceIn(channel, message)
    if (offence !== undefined) invalid.push(offence)
  }

  const uplink: FakeUplink = {
    published,
    invalid,
    replayed,
    get lastWill() {
      return lastWill && Status.parse(JSON.parse(exactJson(lastWill())))
    },
    get connected() {
      return connected
    },
    get kept() {
      return kept
    },
    warnings: [],
    mostBytes: 64_000,
    partBytes: 64_000,
    get rejoined() {
      return rejoined
    },
    rejoin() {
      rejoined++
      uplink.disconnect()
      uplink.connect()
    },
    open(given, will) {
      handlers = given
      lastWill = will
    },
    async publish(channel, message, { retain = false } = {}) {
      if (!connected) throw new Error('there is no connection to the broker')
      if (published.length > 20_000) throw new Error('this agent publishes without end')
      check(channel, message)
      published.push({ channel, message: JSON.parse(exactJson(message)), retain })
      if (held) await acknowledged(held, unacknowledged)
    },
    close: async () => {
      connected = false
    },
    connect() {
      connected = true
      open().connected()
    },
    disconnect() {
      connected = false
      kept = 0
      for (const lose of unacknowledged) lose(new Error('the connection to the broker was lost'))
      unacknowledged.clear()
    },
    holdAcknowledgements() {
      const hold = openPromise()
      held = hold.promise
      return () => {
        held = undefined
        hold.resolve()
      }
    },
    async purchase(message, { retained = false } = {}) {
      if ((await open().purchase(incoming(message, retained))) === 'acknowledge') return
      kept++
      throw new Error('the agent leaves the purchase to the broker')
    },
    command: (message) =>
      new Promise((resolve) =>
        open().command({ ...incoming(message), channel: 'command', isMisdirected: false }, async (reply) => {
          const heard = JSON.parse(JSON.stringify(reply))
          if ('historical' in heard) return void replayed.push(heard)
          check('reply', reply)
          resolve(Reply.parse(heard))
        }),
      ),
    usage: () => usageIn(published),
    status: () => published.findLast(({ channel }) => channel === 'status')?.message as Status | undefined,
    liveStatus: () => liveOf(uplink.status()),
  }
  return uplink
}

function incoming(message: unknown, retained = false): Incoming {
  const payload = bytesOf(message)
  return { payload, bytes: payload.length, retained }
}

const schemas: Partial<Record<Channel, z.ZodType>> = { usage: UsageMessage, status: Status, reply: Reply }

/** How a message breaks the contract, as it goes over the wire, where sums of any size are numbers. */
function offenceIn(channel: Channel, message: object): string | undefined {
  const parsed = schemas[channel]?.safeParse(JSON.parse(exactJson(message)))
  return parsed && !parsed.success ? `${channel}: ${parsed.error.message} ${exactJson(message)}` : undefined
}

function liveOf(status: Status | undefined): LiveStatus {
  if (!status || status.state === 'offline' || !status.journal) throw new Error('no live status was published')
  return status
}

const usageIn = (published: readonly Published[]) =>
  published.flatMap(({ channel, message }) => (channel === 'usage' ? [message as unknown as Event | Usage] : []))

function openPromise(): { promise: Promise<void>; resolve(): void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}

/** Resolves when the broker acknowledges again, and rejects when the connection is lost before. */
function acknowledged(held: Promise<void>, unacknowledged: Set<(cause: Error) => void>): Promise<void> {
  return new Promise((resolve, reject) => {
    unacknowledged.add(reject)
    void held.then(() => {
      unacknowledged.delete(reject)
      resolve()
    })
  })
}
