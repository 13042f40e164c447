// A broker and the one connection an agent keeps to it: what the agent has not acknowledged comes again after every
// reconnect, what the agent publishes may arrive unacknowledged, and the last will speaks for a connection that broke.
import { exactJson } from '../../agent/exact-json.ts'
import type { LastWill, Uplink, UplinkHandlers } from '../../agent/uplink/uplink.ts'
import type { Channel } from '../../protocol/index.ts'
import type { Dice } from './dice.ts'
import type { Life } from './life.ts'
import type { BrokerFault } from './script.ts'

export interface Delivery {
  number: number
  channel: 'purchase' | 'command'
  payload: Uint8Array
}

/** Sees all that the broker sees. */
export interface BrokerWatcher {
  published(channel: Channel, text: string): void
  /** The agent is told that the broker has taken it. */
  confirmed(channel: Channel, text: string): void
  /** The agent has acknowledged it; the broker forgets it. */
  acknowledged(delivery: Delivery): void
  lostConnection(): void
}

export interface Broker {
  fault: BrokerFault | undefined
  /** The agent has left as many purchases unacknowledged as it may. */
  readonly keepsAll: boolean
  /** Sent by a backend, kept until acknowledged. */
  readonly queue: readonly Delivery[]
  readonly retained: string | undefined
  send(channel: Delivery['channel'], payload: Uint8Array): void
  connectionOf(life: Life): Uplink
  dropAt(packet: number, phase: 'before' | 'after'): void
  redeliver(how: 'shuffled' | 'twice'): void
  drop(): void
}

interface Connection {
  life: Life
  handlers: UplinkHandlers
  lastWill: string
  open: boolean
  /** TCP keeps the order. */
  lastArrival: number
  unacknowledged: Set<(cause: Error) => void>
  toDeliver: Delivery[]
  isDelivering: boolean
  kept: number
  lost: () => void
}

const firstPause = 500
// As the contract has it.
const mostKept = 8
const longestPause = 15_000

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one broker with its connections, which share its queue and its faults.
export function createBroker(now: () => number, dice: Dice, watcher: BrokerWatcher): Broker {
  let queue: Delivery[] = []
  let numbers = 0
  let retained: string | undefined
  let fault: BrokerFault | undefined
  let current: Connection | undefined
  let dropAt: { packets: number; phase: 'before' | 'after' } | undefined
  const nextDelivery = new Set<'shuffled' | 'twice'>()

  function drop(): void {
    const connection = current
    if (!connection?.open) return
    close(connection)
    retained = connection.lastWill
    watcher.lostConnection()
    if (connection.life.alive) connection.lost()
  }

  function close(connection: Connection): void {
    connection.open = false
    if (current === connection) current = undefined
    const lost = connection.life.alive ? connection.unacknowledged : []
    for (const lose of lost) lose(new Error('the connection to the broker was lost'))
    connection.unacknowledged.clear()
  }

  /** Whether a packet arrives at all; the connection may be lost with it. */
  function passes(packet: () => void) {
    if (!dropAt || --dropAt.packets > 0) return packet()
    const { phase } = dropAt
    dropAt = undefined
    if (phase === 'after') packet()
    drop()
  }

  function deliver(connection: Connection): void {
    const next = connection.toDeliver[0]
    if (!connection.open || connection.isDelivering || !next) return
    connection.isDelivering = true
    connection.life.after(dice.between(1, 40), () => {
      if (connection.open) passes(() => arrive(connection, next))
    })
  }

  function arrive(connection: Connection, delivery: Delivery) {
    const goOn = () => {
      connection.toDeliver.shift()
      connection.isDelivering = false
      deliver(connection)
    }
    const done = () => {
      connection.life.after(dice.between(1, 40), () => acknowledge(connection, delivery))
      goOn()
    }
    const keep = () => {
      connection.kept++
      goOn()
    }
    if (delivery.channel === 'command') {
      const send = (message: object) => publish(connection, 'reply', message, false)
      const { payload } = delivery
      const incoming = { payload, bytes: payload.length, retained: false }
      void connection.handlers.command({ ...incoming, channel: 'command', isMisdirected: false }, send)
      return done()
    }
    const { payload } = delivery
    void connection.handlers.purchase({ payload, bytes: payload.length, retained: false }).then((receipt) => {
      if (!connection.life.alive) return
      if (receipt === 'acknowledge') done()
      else keep()
    })
  }

  function acknowledge(connection: Connection, delivery: Delivery): void {
    if (!connection.open) return
    passes(() => {
      if (!queue.includes(delivery)) return
      queue = queue.filter((other) => other !== delivery)
      watcher.acknowledged(delivery)
    })
  }

  function publish(connection: Connection, channel: Channel, message: object, retain: boolean): Promise<void> {
    if (!connection.open) return Promise.reject(new Error('there is no connection to the broker'))
    const text = exactJson(message)
    const { life, unacknowledged } = connection
    return new Promise((resolve, reject) => {
      if (!life.alive) return
      unacknowledged.add(reject)
      connection.lastArrival = Math.max(connection.lastArrival, now() + dice.between(1, 40))
      life.after(connection.lastArrival - now(), () => {
        if (!connection.open || fault === 'deaf') return
        passes(() => {
          if (retain) retained = text
          watcher.published(channel, text)
          life.after(dice.between(1, 40), () => {
            if (!unacknowledged.delete(reject)) return
            watcher.confirmed(channel, text)
            resolve()
          })
        })
      })
    })
  }

  function connectionOf(life: Life): Uplink {
    let connection: Connection | undefined
    let closed = false
    let pause = firstPause
    let handlers: UplinkHandlers | undefined
    let lastWill: () => LastWill

    function tryAgain(): void {
      const wait = pause * (0.5 + dice.roll() / 2)
      pause = Math.min(pause * 2, longestPause)
      if (!closed) life.after(wait, connect)
    }

    function connect() {
      if (closed || !handlers) return
      if (fault === 'away') return tryAgain()
      const toDeliver = again(queue)
      const made: Connection = {
        life,
        handlers,
        lastWill: exactJson(lastWill()),
        open: true,
        lastArrival: 0,
        unacknowledged: new Set(),
        toDeliver,
        isDelivering: false,
        kept: 0,
        lost: tryAgain,
      }
      connection = current = made
      life.after(10_000, () => {
        if (made.open) pause = firstPause
      })
      made.handlers.connected()
      deliver(made)
    }

    return {
      get connected() {
        return connection?.open === true
      },
      open(given, will) {
        handlers = given
        lastWill = will
        life.after(dice.between(5, 100), connect)
      },
      publish(channel, message, { retain = false } = {}) {
        if (!life.counts()) return new Promise(() => {})
        if (!connection) return Promise.reject(new Error('there is no connection to the broker'))
        return publish(connection, channel, message, retain)
      },
      warnings: [],
      mostBytes: 64_000,
      partBytes: 64_000,
      get kept() {
        return connection?.open ? connection.kept : 0
      },
      rejoin() {
        if (!connection?.open) return
        close(connection)
        tryAgain()
      },
      async close() {
        closed = true
        if (connection?.open) close(connection)
      },
    }
  }

  function again(kept: readonly Delivery[]): Delivery[] {
    const order = nextDelivery.has('shuffled') ? dice.shuffled(kept) : [...kept]
    const times = nextDelivery.has('twice') ? order.flatMap((delivery) => [delivery, delivery]) : order
    nextDelivery.clear()
    return times
  }

  return {
    get fault() {
      return fault
    },
    set fault(to) {
      if (fault === 'deaf' && to === undefined) drop()
      fault = to
      if (to === 'away') drop()
    },
    get keepsAll() {
      return (current?.kept ?? 0) >= mostKept
    },
    get queue() {
      return queue
    },
    get retained() {
      return retained
    },
    send(channel, payload) {
      const delivery = { number: ++numbers, channel, payload }
      queue = [...queue, delivery]
      if (!current?.open) return
      current.toDeliver.push(delivery)
      deliver(current)
    },
    connectionOf,
    dropAt: (packets, phase) => {
      dropAt = { packets, phase }
    },
    redeliver: (how) => nextDelivery.add(how),
    drop,
  }
}
