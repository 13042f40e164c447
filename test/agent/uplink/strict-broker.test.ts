// Proves that the uplink keeps every limit that a broker states, and that whatever a broker refuses or leaves unanswered is
// said in words and loses nothing.
import { afterEach, describe, expect, it, test } from 'vitest'
import { anOnlineAgent, type OnlineAgent } from '../../support/an-online-agent.ts'
import { type StrictBroker, type StrictBrokerOptions, strictBroker } from '../../support/brokers/strict-broker.ts'
import { aGrant, aMac } from '../../support/builders.ts'
import { until } from '../../support/until.ts'

let broker: StrictBroker
let agent: OnlineAgent | undefined
afterEach(async () => {
  await agent?.close()
  agent = undefined
  await broker.close()
})

// Half a minute of the agent's patience passes in a second and a half.
const usualSpeed = 20

async function start({
  speed = usualSpeed,
  ...options
}: StrictBrokerOptions & { speed?: number } = {}): Promise<OnlineAgent> {
  broker = await strictBroker(options)
  const AGENT_MQTT_URL = `mqtt://127.0.0.1:${broker.port}`
  agent = await anOnlineAgent({ AGENT_MQTT_URL, AGENT_MQTT_VERSION: String(options.version ?? 5) }, { speed })
  return agent
}

const on = (channel: string) => broker.published.filter(({ topic }) => topic === `router/r1/${channel}`)
const numbers = () => [
  ...new Set(on('usage').flatMap(({ message }) => (typeof message.seq === 'number' ? [message.seq] : []))),
]
const status = () =>
  on('status').at(-1)?.message as {
    state: string
    warnings: string[]
    journal: { acknowledgedSeq: number; lastSeq: number }
  }
const buy = (n: number, fields: Record<string, unknown> = {}) =>
  broker.send(
    'router/r1/purchase',
    JSON.stringify(aGrant('bytes', 1000, { purchaseId: `p${n}`, mac: aMac(n), ...fields })),
  )
const ask = (command: object) => broker.send('router/r1/command', JSON.stringify(command))
const replies = () => on('reply').map(({ message }) => message)
const isOnline = () => until(() => status() !== undefined)
const inOrder = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const warned = (words: RegExp) => until(() => status()?.warnings.some((warning) => words.test(warning)), 20_000)

describe('Receive Maximum', () => {
  test.each([1, 2, 10])(
    '%i is never exceeded, with events, reports, replies and two replays',
    async (receiveMaximum) => {
      await start({ receiveMaximum, acknowledgeAfter: 2 })
      await isOnline()
      for (let n = 1; n <= 30; n++) buy(n)
      await until(() => numbers().length >= 31)
      const { epoch } = on('usage')[0]?.message ?? {}
      for (const transaction of ['one', 'two'])
        ask({ transaction, command: 'events.replay', epoch, fromSeq: 1, toSeq: 100 })
      ask({ transaction: 'three', command: 'sessions' })
      await until(() =>
        ['one', 'three'].every((name) => replies().some((reply) => reply.transaction === name && reply.status)),
      )

      expect(broker.ended).toEqual([])
      expect(broker.mostUnderWay).toBeLessThanOrEqual(Math.min(receiveMaximum, 8))
      expect(numbers()).toEqual(inOrder(numbers().length))
    },
  )
})

describe('Maximum Packet Size 8 KiB', () => {
  it('gets reports and replies in parts that fit, all sessions in them', async () => {
    await start({ maximumPacketSize: 8192 })
    await isOnline()
    for (let n = 1; n <= 100; n++) buy(n)
    await until(() => numbers().length >= 101)
    ask({ transaction: 't', command: 'sessions' })
    await until(() => replies().some(({ part, parts }) => part !== undefined && part === parts))
    const parts = replies().map(({ data }) => (data as { sessions: { mac: string }[] }).sessions)
    await until(() => on('usage').some(({ message }) => message.type === 'usage' && Number(message.parts) > 1))

    expect(broker.ended).toEqual([])
    expect(Math.max(...broker.published.map(({ bytes }) => bytes))).toBeLessThanOrEqual(8192)
    expect(new Set(parts.flat().map(({ mac }) => mac)).size).toBe(100)
  })

  it('leaves out an event that can never fit, names it, and goes on', async () => {
    await start({ maximumPacketSize: 2048 })
    await isOnline()
    // An outcome with a reference of 256 characters of four bytes each, three times in the end of its session.
    const reference = '\u{1f600}'.repeat(128)
    for (let n = 1; n <= 8; n++) buy(n, { mac: aMac(1), reference })
    ask({ transaction: 'end', command: 'session.end', mac: aMac(1) })
    buy(20)
    await until(() => on('usage').some(({ message }) => message.purchaseId === 'p20'), 20_000)
    await until(() => ((status() as unknown as { skipped: object[] }).skipped ?? []).length > 0)

    expect(broker.ended).toEqual([])
    expect(status()).toMatchObject({ skipped: [{ type: 'session.ended', bytes: expect.any(Number) }] })
  })
})

it('an event that MQTT 3.1.1 never gets across is left out after five lost connections, named, and others go on', async () => {
  await start({ version: 4, maximumPacketSize: 10_000 })
  await isOnline()
  const reference = '\u{1f600}'.repeat(128)
  for (let n = 1; n <= 30; n++) buy(n, { mac: aMac(1), reference })
  ask({ transaction: 'end', command: 'session.end', mac: aMac(1) })
  buy(40)
  await until(() => on('usage').some(({ message }) => message.purchaseId === 'p40'), 25_000)
  await warned(/messages of \d+ bytes and more are not sent/)
  await until(() => ((status() as unknown as { skipped: object[] }).skipped ?? []).length > 0)

  expect(status()).toMatchObject({ skipped: [{ type: 'session.ended', bytes: expect.any(Number) }] })
  expect(broker.ended.length).toBeGreaterThanOrEqual(5)
  expect(numbers().length).toBeGreaterThanOrEqual(32)
})

describe('a broker that answers not at all', () => {
  it('to SUBSCRIBE is left after 10 s, and tried again', async () => {
    const { clock, said } = await start({ grant: () => 'silence' })
    await until(() => broker.connects.length >= 2, 20_000)

    expect(said('warn').join('\n')).toContain('did not answer SUBSCRIBE within 10 s')
    expect(clock.monotonic()).toBeGreaterThanOrEqual(10_000)
  })

  it('to one event is left after half a minute; nothing is lost, and little told twice', async () => {
    let isDeaf = true
    const judge: StrictBrokerOptions['judge'] = ({ message }) =>
      isDeaf && message.seq === 3 ? 'silence' : 'acknowledge'
    await start({ judge })
    await isOnline()
    for (let n = 1; n <= 12; n++) buy(n)
    await until(() => broker.connects.length >= 2, 20_000)
    isDeaf = false
    await until(() => status()?.journal.acknowledgedSeq >= 13, 20_000)
    await warned(/did not acknowledge a message on router\/r1\/usage within/)
    const times = inOrder(13).map((seq) => on('usage').filter(({ message }) => message.seq === seq).length)

    expect(
      numbers()
        .sort((a, b) => a - b)
        .slice(0, 13),
    ).toEqual(inOrder(13))
    expect(times.filter((count) => count > 1).length).toBeLessThanOrEqual(1)
  })
})

describe('a broker that refuses', () => {
  it('an event (0x87) is told of in log and status; that one is tried again with back-off, and the others wait', async () => {
    let isAllowed = false
    const judge: StrictBrokerOptions['judge'] = ({ message }) =>
      !isAllowed && message.seq === 3 ? 0x87 : 'acknowledge'
    const { said } = await start({ judge })
    await isOnline()
    for (let n = 1; n <= 12; n++) buy(n)
    await warned(/refuses messages on router\/r1\/usage: the broker does not allow it.*0x87/)
    await until(() => on('usage').filter(({ message }) => message.seq === 3).length >= 4, 20_000)
    const before = inOrder(13).map((seq) => on('usage').filter(({ message }) => message.seq === seq).length)
    isAllowed = true
    await until(() => status()?.journal.acknowledgedSeq >= 13, 20_000)

    expect(before.filter((_, index) => index !== 2).every((count) => count <= 1)).toBe(true)
    expect(said('warn').filter((line) => line.includes('0x87'))).toEqual([expect.anything()])
    expect(broker.ended).toEqual([])
    await until(() => !status().warnings.some((warning) => warning.includes('0x87')))
  })

  it('a subscription to commands still gets its purchases served, and says so', async () => {
    await start({ grant: (topic) => (topic.endsWith('/purchase') ? 1 : 0x87) })
    await isOnline()
    buy(1)
    await until(() => on('usage').some(({ message }) => message.type === 'purchase.accepted'))

    await warned(/no messages from router\/r1\/command arrive: the broker does not allow it/)
  })

  it('retained messages (Retain Available 0) gets the status without retain, and says so', async () => {
    await start({ retainAvailable: false })
    await isOnline()

    await warned(/keeps no retained messages/)
    expect(on('status').every(({ retain }) => !retain)).toBe(true)
    expect(broker.ended).toEqual([])
  })

  test.each([
    { when: 'takes QoS 0 only', options: { maximumQoS: 0 as const }, says: /QoS 0 only/ },
    { when: 'grants QoS 0 only', options: { grant: () => 0 }, says: /grants QoS 0 only on router\/r1\/purchase/ },
  ])('and $when is not used, the next address is', async ({ options, says }) => {
    const poor = await strictBroker(options)
    broker = await strictBroker()
    const urls = [poor, broker].map(({ port }) => `mqtt://127.0.0.1:${port}`).join(',')
    agent = await anOnlineAgent({ AGENT_MQTT_URL: urls, AGENT_MQTT_VERSION: '5' }, { speed: usualSpeed })
    await isOnline()

    expect(poor.published).toEqual([])
    expect(agent.said('warn').join('\n')).toMatch(says)
    await warned(says)
    await poor.close()
  })
})

describe('a client that takes the connection over', () => {
  it('(DISCONNECT 0x8E) is named, with what to do, and the fight slows down', async () => {
    const { clock } = await start()
    await isOnline()
    const from = clock.monotonic()
    broker.disconnect(0x8e)
    await until(() => broker.connects.length >= 2, 20_000)
    const pause = clock.monotonic() - from

    await warned(/another client with the client id tollgate-r1 takes the connection.*AGENT_ROUTER_ID/)
    expect(pause).toBeGreaterThan(10_000)
  })

  it('without a word (MQTT 3.1.1) is known by its status under the same id', async () => {
    await start({ version: 4 })
    await isOnline()
    for (let times = 1; times <= 3; times++) {
      await until(() => broker.connects.length >= times && on('status').length >= times, 20_000)
      broker.disconnect(0)
    }
    await until(() => broker.connects.length >= 4, 20_000)
    broker.send('router/r1/status', JSON.stringify({ epoch: 'another', bootId: 'b' }), { retain: true })

    await warned(/another client with the client id tollgate-r1/)
  })
})

describe('a Response Topic', () => {
  test.each([
    'router/r2/purchase',
    'router/r1/status',
    'router/r1/reply/purchase',
    'router/r1/reply/a/b',
    '#',
    'answers/here',
  ])('%s is refused on the reply topic, and nothing is published there', async (responseTopic) => {
    await start()
    await isOnline()
    const { epoch } = on('usage')[0]?.message ?? {}
    const replay = { transaction: 't', command: 'events.replay', epoch, fromSeq: 1, toSeq: 9 }
    broker.send('router/r1/command', JSON.stringify(replay), { properties: { responseTopic } })
    await until(() => replies().length > 0)

    expect(replies()).toMatchObject([{ transaction: 't', error: { code: 'invalid-message' } }])
    const own = ['usage', 'status', 'reply'].map((channel) => `router/r1/${channel}`)
    expect(broker.published.filter(({ topic }) => !own.includes(topic))).toEqual([])
    expect(status().state).not.toBe('error')
  })

  it('below its own reply topic gets the reply too, with the correlation data', async () => {
    await start()
    await isOnline()
    const properties = { responseTopic: 'router/r1/reply/desk-3', correlationData: Buffer.from('c1') }
    broker.send('router/r1/command', '{"transaction":"t","command":"config"}', { properties })
    await until(() => on('reply/desk-3').length > 0 && on('reply').length > 0)

    expect(on('reply/desk-3')).toMatchObject([{ message: { transaction: 't', status: 'ok' }, correlationData: 'c1' }])
  })
})

it('a retained purchase is answered and never applied, in MQTT 5 as in 3.1.1', async () => {
  await start()
  await isOnline()
  broker.send('router/r1/purchase', JSON.stringify(aGrant('bytes', 1000)), { retain: true })
  await until(() => on('usage').some(({ message }) => message.type === 'purchase.rejected'))

  expect(on('usage').filter(({ message }) => String(message.type).startsWith('purchase'))).toMatchObject([
    { message: { code: 'invalid-message', purchaseId: 'p1', final: false, retry: false } },
  ])
})

it('a message of a foreign topic is never acknowledged, and is warned of', async () => {
  await start()
  await isOnline()
  broker.send('south/r1/purchase', JSON.stringify(aGrant('bytes', 1000)))
  buy(2)
  await until(() => on('usage').some(({ message }) => message.purchaseId === 'p2'))

  await warned(/messages of south\/r1\/purchase arrive here and are left to the broker/)
  expect(broker.acknowledged).toEqual([2])
})

test.each([4, 5] as const)(
  'a message larger than memory is answered and acknowledged, over MQTT %i',
  async (version) => {
    await start({ version, speed: 1 })
    await isOnline()
    broker.send('router/r1/purchase', Buffer.alloc(20_000_000, 'x'))
    buy(2)
    await until(() => on('usage').some(({ message }) => message.purchaseId === 'p2'), 20_000)
    await until(() => on('usage').some(({ message }) => message.type === 'purchase.rejected'))

    expect(broker.acknowledged.sort()).toEqual([1, 2])
    expect(on('usage').find(({ message }) => message.type === 'purchase.rejected')?.message).toMatchObject({
      code: 'invalid-message',
      message: expect.stringContaining('20000000 bytes'),
    })
  },
)
