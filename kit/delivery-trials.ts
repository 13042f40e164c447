// The trials of a broker while everybody is connected: order, retained messages, last wills, sizes, delays.
import { rawClient } from './raw-client.ts'
import type { Finding, Room } from './trial.ts'
import { until } from './until.ts'

export async function qosAndOrder({ open, topic }: Room): Promise<Finding> {
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

export async function retainedByWildcard({ open, topic }: Room): Promise<Finding> {
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

export async function lastWill({ open, topic, id }: Room): Promise<Finding> {
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

export async function shared({ open, topic }: Room): Promise<Finding> {
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

export async function size({ open, topic }: Room): Promise<Finding> {
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

export async function delay({ open, topic }: Room): Promise<Finding> {
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

export async function version5({ address, id }: Room): Promise<Finding> {
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
