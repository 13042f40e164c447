// Proves that the development broker carries, keeps and closes.
import { connect, connectAsync } from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { createBroker } from '../../../broker-dev/broker/broker.ts'
import { aBroker } from '../../support/brokers/a-broker.ts'
import { createLink } from '../../support/brokers/link.ts'

const ends: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

describe('the development broker', () => {
  it('carries messages between TCP and WebSocket', async () => {
    const broker = await aBroker()
    ends.push(broker.close)
    const overWeb = await connectAsync(`ws://127.0.0.1:${broker.ports.wsPort}`)
    ends.push(() => overWeb.endAsync())
    const heard = new Promise<string>((resolve) =>
      overWeb.once('message', (_topic, payload) => resolve(String(payload))),
    )
    await overWeb.subscribeAsync('router/+/usage', { qos: 1 })
    const overTcp = await connectAsync(broker.url)
    ends.push(() => overTcp.endAsync())
    await overTcp.publishAsync('router/r1/usage', 'hello', { qos: 1 })
    expect(await heard).toBe('hello')
  })

  it('keeps more than 42 messages for a client that is away', async () => {
    const broker = await aBroker()
    ends.push(broker.close)
    const agent = { clientId: 'r1', clean: false }
    const before = await connectAsync(broker.url, agent)
    await before.subscribeAsync('router/r1/purchase', { qos: 1 })
    await before.endAsync()
    const backend = await connectAsync(broker.url)
    ends.push(() => backend.endAsync())
    const sent = [...Array(500).keys()].map(String)
    for (const message of sent) await backend.publishAsync('router/r1/purchase', message, { qos: 1 })
    const heard: string[] = []
    const all = new Promise<void>((resolve) => {
      // Listening before it is connected: what was kept comes at once.
      const after = connect(broker.url, agent)
      ends.push(() => after.endAsync())
      after.on('message', (_topic, payload) => {
        if (heard.push(String(payload)) === sent.length) resolve()
      })
    })
    await all
    expect(heard).toEqual(sent)
  })

  it('says which port is taken, and closes what it had opened', async () => {
    const first = await aBroker()
    ends.push(first.close)
    const second = createBroker()
    await expect(second.open({ port: 0, wsPort: first.ports.wsPort })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect(second.close()).resolves.toBeUndefined()
  })

  it('closes with clients connected, and its port is free again', async () => {
    const first = await aBroker()
    const client = await connectAsync(first.url, { reconnectPeriod: 0 })
    ends.push(() => client.endAsync(true))
    await first.close()
    const second = createBroker()
    expect(await second.open({ port: first.ports.port })).toMatchObject({ port: first.ports.port })
    await second.close()
  })

  it('is found again by who was connected, with what they subscribed to', async () => {
    const first = await aBroker()
    let heard: (payload: string) => void = () => {}
    const again = new Promise<string>((resolve) => {
      heard = resolve
    })
    const topics = ['router/+/usage']
    const link = createLink({
      ...{ url: first.url, topics },
      onMessage: (_topic, payload) => heard(String(payload)),
    })
    ends.push(link.close)
    await link.open()
    await first.close()
    const second = createBroker()
    await second.open({ port: first.ports.port })
    ends.push(second.close)
    const speaker = await connectAsync(first.url)
    ends.push(() => speaker.endAsync())
    // Retained, so that it does not matter who is there first.
    await speaker.publishAsync('router/r1/usage', 'hello again', { qos: 1, retain: true })
    expect(await again).toBe('hello again')
  })
})
