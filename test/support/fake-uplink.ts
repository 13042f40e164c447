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

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one uplink that the test drives and reads.
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
    const schemas: Partial<Record<Channel, z.ZodType>> = { usage: UsageMessage, status: Status, reply: Reply }
    const schema = schemas[channel]
    // As it goes over the wire, where sums of any size are numbers.
    const parsed = schema?.safeParse(JSON.parse(exactJson(message)))
    if (parsed && !parsed.success) invalid.push(`${channel}: ${parsed.error.message} ${exactJson(message)}`)
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
      if (!held) return
      await new Promise<void>((resolve, reject) => {
        unacknowledged.add(reject)
        held?.then(() => {
          unacknowledged.delete(reject)
          resolve()
        })
      })
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
      let release = () => {}
      held = new Promise((resolve) => {
        release = () => {
          held = undefined
          resolve()
        }
      })
      return () => release()
    },
    async purchase(message, { retained = false } = {}) {
      if ((await open().purchase(incoming(message, retained))) === 'acknowledge') return
      kept++
      throw new Error('the agent leaves the purchase to the broker')
    },
    command: (message) =>
      new Promise((resolve) =>
        open().command({ ...incoming(message), channel: 'command', isMisdirected: false }, async (reply) => {
          if ('historical' in reply) {
            replayed.push(JSON.parse(JSON.stringify(reply)))
            return
          }
          check('reply', reply)
          resolve(Reply.parse(JSON.parse(JSON.stringify(reply))))
        }),
      ),
    usage: () =>
      published.flatMap(({ channel, message }) => (channel === 'usage' ? [message as unknown as Event | Usage] : [])),
    status: () => published.findLast(({ channel }) => channel === 'status')?.message as Status | undefined,
    liveStatus() {
      const status = uplink.status()
      if (!status || status.state === 'offline') throw new Error('no live status was published')
      return status
    },
  }
  return uplink
}

function incoming(message: unknown, retained = false): Incoming {
  const payload = bytesOf(message)
  return { payload, bytes: payload.length, retained }
}
