// A broker examined: what it keeps, in which order and how fast, found out by trying, on topics of its own that it clears away.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { type Address, addressesOf } from '../client/address.ts'
import { FleetError } from '../client/errors.ts'
import type { FleetOptions } from '../client/options.ts'
import { type RawClient, rawClient } from './raw-client.ts'
import { until } from './until.ts'

export interface Finding {
  what: string
  /** Undefined where it could not be tried. */
  holds?: boolean
  found: string
  /** The consequence for a fleet where it does not hold. */
  means: string
}

export interface DoctorOptions {
  fleet: FleetOptions
  /** Stops the broker in order and starts it again. */
  restart?: () => Promise<void>
  /** Kills the broker and starts it again. */
  kill?: () => Promise<void>
  /** How many messages wait for one that is away. */
  queued?: number
}

interface Room {
  address: Address
  /** A client with an id of its own in this examination. */
  open(name: string, options?: Parameters<typeof rawClient>[1]): Promise<RawClient>
  id(name: string): string
  topic(name: string): string
}

const lost = 20
const usualQueue = 3000
// A broker may save what it holds every other second.
const settled = 3000

export async function examine({ fleet, restart, kill, queued = usualQueue }: DoctorOptions): Promise<Finding[]> {
  const [address] = addressesOf(fleet)()
  if (!address) throw new FleetError('invalid-argument', 'url: none is given')
  const run = randomBytes(4).toString('hex')
  const id = (name: string) => `tollgate-doctor-${run}-${name}`
  const room: Room = {
    address,
    id,
    topic: (name) => `tollgate-doctor-${run}/${name}/status`,
    open: (name, options = {}) => rawClient(address, { clientId: id(name), clean: true, ...options }),
  }
  const trials: (() => Promise<Finding>)[] = [
    () => qosAndOrder(room),
    () => retainedByWildcard(room),
    () => lastWill(room),
    () => sessions(room),
    () => queue(room, queued),
    () => shared(room),
    () => size(room),
    () => delay(room),
    () => version5(room),
    () => outage(room, 'an orderly restart', restart),
    () => outage(room, 'a kill', kill),
  ]
  const findings: Finding[] = []
  // One after the other: each has the broker for itself.
  for (const trial of trials) findings.push(await trial())
  return findings
}

async function qosAndOrder({ open, topic }: Room): Promise<Finding> {
  const [ear, mouth] = [await open('ear'), await open('mouth')]
  const granted = await ear.subscribe(topic('order'))
  const sent = Array.from({ length: 300 }, (_, index) => String(index))
  await Promise.all(sent.map((text) => mouth.publish(topic('order'), text)))
  await until(() => ear.heard.length >= sent.length)
  const inOrder = ear.heard.map(({ text }) => text).join() === sent.join()
  await Promise.all([ear.leave(), mouth.leave()])
  return {
    what: 'QoS 1 is granted, and messages come in order',
    holds: granted === 1 && inOrder,
    found: `QoS ${granted} granted, ${ear.heard.length} of ${sent.length} came, ${inOrder ? 'in order' : 'out of order'}`,
    means: 'an agent does not use a broker that grants less; consumers fill gaps from the routers',
  }
}

async function retainedByWildcard({ open, topic }: Room): Promise<Finding> {
  const mouth = await open('mouth')
  await mouth.publish(topic('retained'), 'here', { retain: true })
  const ear = await open('ear')
  await ear.subscribe(topic('+'))
  const came = await until(() => ear.heard.some(({ retained }) => retained))
  await mouth.publish(topic('retained'), '', { retain: true })
  await Promise.all([ear.leave(), mouth.leave()])
  return {
    what: 'retained messages come to a wildcard',
    holds: came,
    found: came ? 'they come' : 'they do not come',
    means: 'routers are known only when they next say something',
  }
}

async function lastWill({ open, topic, id }: Room): Promise<Finding> {
  const ear = await open('ear')
  await ear.subscribe(topic('will'))
  const will = { topic: topic('will'), payload: Buffer.from('gone'), qos: 1 as const, retain: true }
  const mortal = await open('mortal', { will, clientId: id('mortal') })
  mortal.vanish()
  const came = await until(() => ear.heard.length > 0)
  const mouth = await open('mouth')
  await mouth.publish(topic('will'), '', { retain: true })
  await Promise.all([ear.leave(), mouth.leave()])
  return {
    what: 'a last will is told when a connection breaks',
    holds: came,
    found: came ? 'it is told' : 'it is not told',
    means: 'a router that was switched off stays "online"; the client calls it silent after three usage intervals',
  }
}

async function sessions(room: Room): Promise<Finding> {
  const came = await awayFor(room, 'session', async (mouth) => mouth.publish(room.topic('session'), 'kept'))
  return {
    what: 'a session is kept for a client that is away',
    holds: came.length === 1,
    found: came.length === 1 ? 'its message waited' : 'its message was dropped',
    means: 'what is said to a router that is away is lost; a backend publishes until it is answered',
  }
}

async function queue(room: Room, count: number): Promise<Finding> {
  const sent = Array.from({ length: count }, (_, index) => String(index))
  const came = await awayFor(room, 'queue', async (mouth) => {
    for (let from = 0; from < count; from += 200) {
      await Promise.all(sent.slice(from, from + 200).map((text) => mouth.publish(room.topic('queue'), text)))
    }
  })
  return {
    what: `${count} messages wait for a client that is away`,
    holds: came.length >= count,
    found: `${came.length} of ${count} waited`,
    means: 'what comes beyond is dropped although it was acknowledged; see max_queued_messages of Mosquitto',
  }
}

/** The messages that a client with a session of its own finds when it comes back. */
async function awayFor(room: Room, name: string, meanwhile: (mouth: RawClient) => Promise<void>): Promise<string[]> {
  const asWhom = { clientId: room.id(name), clean: false }
  const before = await room.open(name, asWhom)
  await before.subscribe(room.topic(name))
  await before.leave()
  const mouth = await room.open('mouth')
  await meanwhile(mouth)
  await mouth.leave()
  return comingBack(room, asWhom)
}

async function comingBack({ address, open }: Room, asWhom: { clientId: string; clean: boolean }): Promise<string[]> {
  const after = await rawClient(address, asWhom)
  for (let before = -1; before < after.heard.length; ) {
    before = after.heard.length
    await sleepFor(300)
  }
  await after.leave()
  // A clean session under that id clears the kept one away.
  await (await open('clean', { ...asWhom, clean: true })).leave()
  return after.heard.map(({ text }) => text)
}

async function shared({ open, topic }: Room): Promise<Finding> {
  const [one, other, mouth] = [await open('one'), await open('other'), await open('mouth')]
  const filter = `$share/doctor/${topic('shared')}`
  const granted = await Promise.all([one.subscribe(filter), other.subscribe(filter)]).catch(() => [128, 128])
  const isGranted = granted.every((qos) => qos < 128)
  for (let index = 0; index < 40; index++) await mouth.publish(topic('shared'), String(index))
  await until(() => one.heard.length + other.heard.length >= 40, isGranted ? 1500 : 0)
  const [first, second] = [one.heard.length, other.heard.length]
  await Promise.all([one.leave(), other.leave(), mouth.leave()])
  const divided = `${first} and ${second} of 40 from one router`
  return {
    what: '$share is not needed, and what it would do',
    found: isGranted ? (first + second === 0 ? 'granted, and nothing is delivered' : `granted: ${divided}`) : 'refused',
    means: 'it divides the events of one router between consumers; use partition instead',
  }
}

async function size({ open, topic }: Room): Promise<Finding> {
  const [ear, mouth] = [await open('ear'), await open('mouth')]
  await ear.subscribe(topic('size'))
  // The largest message of an agent.
  const largest = 64 * 1024
  const taken = await mouth.publish(topic('size'), Buffer.alloc(largest, 'x')).then(
    () => true,
    () => false,
  )
  const came = taken && (await until(() => ear.heard.some(({ text }) => text.length === largest)))
  await Promise.all([ear.leave(), mouth.leave()])
  return {
    what: 'a message of 64 KiB passes',
    holds: came,
    found: came ? 'it passes' : taken ? 'it is dropped' : 'it is refused',
    means: 'reports and replies come in smaller parts; events beyond the limit are skipped, and named in the status',
  }
}

async function delay({ open, topic }: Room): Promise<Finding> {
  const [ear, mouth] = [await open('ear'), await open('mouth')]
  await ear.subscribe(topic('delay'))
  const times: number[] = []
  for (let round = 0; round < 15; round++) {
    const from = performance.now()
    await Promise.all([mouth.publish(topic('delay'), String(round)), until(() => ear.heard.length > round, 1000, 1)])
    times.push(performance.now() - from)
  }
  await Promise.all([ear.leave(), mouth.leave()])
  const median = times.sort((a, b) => a - b)[7] ?? 0
  return {
    what: 'a message passes without waiting (no Nagle)',
    holds: median < 30,
    found: `${median.toFixed(1)} ms from one client to another and back, median`,
    means: 'some 40 ms each: set_tcp_nodelay true of Mosquitto',
  }
}

async function version5({ address, id }: Room): Promise<Finding> {
  const five = await rawClient(address, { clientId: id('five'), protocolVersion: 5, clean: true }).catch(
    () => undefined,
  )
  const { receiveMaximum, maximumPacketSize, retainAvailable, maximumQoS, serverKeepAlive } =
    five?.connack.properties ?? {}
  await five?.leave()
  const limits = Object.entries({ receiveMaximum, maximumPacketSize, retainAvailable, maximumQoS, serverKeepAlive })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${value}`)
  return {
    what: 'MQTT 5 is spoken, and states its limits',
    holds: five !== undefined,
    found: five ? `it is; ${limits.join(', ') || 'no limits stated'}` : 'MQTT 3.1.1 only',
    means: 'that is enough; limits are learned from connections that end',
  }
}

async function outage(room: Room, how: string, act: (() => Promise<void>) | undefined): Promise<Finding> {
  const what = `${lost} messages and a retained one, ${settled / 1000} s old, outlive ${how}`
  const means = 'purchases and statuses that the broker held are gone; a backend publishes until it is answered'
  if (!act) return { what, found: 'not tried: say how (--restart, --kill)', means }
  const name = how.replaceAll(' ', '-')
  const asWhom = { clientId: room.id(name), clean: false }
  const before = await room.open(name, asWhom)
  await before.subscribe(room.topic(name))
  await before.leave()
  const mouth = await room.open('mouth')
  const sent = Array.from({ length: lost }, (_, index) => String(index))
  await Promise.all(sent.map((text) => mouth.publish(room.topic(name), text)))
  await mouth.publish(room.topic(`${name}-retained`), 'here', { retain: true })
  await mouth.leave()
  await sleepFor(settled)
  await act()
  await reached(room)
  const came = await comingBack(room, asWhom)
  const ear = await room.open('ear')
  await ear.subscribe(room.topic(`${name}-retained`))
  const isRetained = await until(() => ear.heard.length > 0, 1000)
  await ear.publish(room.topic(`${name}-retained`), '', { retain: true })
  await ear.leave()
  const found = `${came.length} of ${lost} came, the retained one ${isRetained ? 'too' : 'is gone'}`
  return { what, holds: came.length === lost && isRetained, found, means }
}

/** A broker that was started a moment ago does not listen at once. */
async function reached({ open }: Room): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      return await (await open('first')).leave()
    } catch (error) {
      if (tries === 40) throw error
      await sleepFor(500)
    }
  }
}
