// An agent that answers purchases as it is told to, on a real broker.
import { connectAsync } from 'mqtt'
import { type BrokerPorts, createBroker } from '../../broker-dev/broker.ts'
import { parseTopic, topicOf } from '../../protocol/index.ts'
import { r1 } from './builders.ts'

export interface FakeAgent {
  /** Every purchase as it came, in order. */
  heard: unknown[]
  say(message: object): Promise<void>
  close(): Promise<void>
}

/** `answers` gets each purchase and how many came before it; what it returns is said on the usage topic. */
export async function fakeAgent(
  url: string,
  answers: (purchase: { purchaseId: string }, before: number) => object[],
): Promise<FakeAgent> {
  const client = await connectAsync(url)
  const heard: unknown[] = []
  const say = async (message: object) => {
    await client.publishAsync(topicOf(r1, 'usage'), JSON.stringify(message), { qos: 1 })
  }
  client.on('message', (topic, payload) => {
    const purchase = JSON.parse(String(payload))
    heard.push(purchase)
    if (parseTopic(topic)?.routerId !== r1) throw new Error(`a purchase for another router: ${topic}`)
    for (const answer of answers(purchase, heard.length - 1)) void say(answer)
  })
  await client.subscribeAsync(topicOf(r1, 'purchase'), { qos: 1 })
  return { heard, say, close: () => client.endAsync() }
}

/** A broker on a free port, until the returned function is called. */
export async function aBroker(): Promise<{ url: string; ports: BrokerPorts; close(): Promise<void> }> {
  const broker = createBroker()
  const ports = await broker.open({ port: 0, wsPort: 0 })
  return { url: `mqtt://127.0.0.1:${ports.port}`, ports, close: broker.close }
}
