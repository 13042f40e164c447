// A router on paper: answers as it is told to, and gives again what it keeps.
import { connectAsync } from 'mqtt'
import { type Event, parseTopic, replyTopicOf, topicOf } from '../../protocol/index.ts'
import { r1 } from './messages.ts'

export interface PaperRouter {
  /** The events that it still has, for `events.replay`. */
  keep(events: readonly Event[]): void
  say(channel: 'usage' | 'status', message: object, retain?: boolean): Promise<void>
  close(): Promise<void>
}

interface Answers {
  purchase?: (purchase: { purchaseId: string }, before: number) => object[]
  command?: (command: { command: string }) => object
}

export async function paperRouter(url: string, answers: Answers, routerId = r1): Promise<PaperRouter> {
  const client = await connectAsync(url)
  let kept: readonly Event[] = []
  let purchases = 0
  const publish = (topic: string, message: object, retain = false) =>
    client.publishAsync(topic, JSON.stringify(message), { qos: 1, retain })

  async function obey(command: { transaction: string; command: string; replyTo: string }): Promise<void> {
    const { transaction, replyTo } = command
    const topic = replyTopicOf(routerId, replyTo)
    const reply = { transaction, command: command.command }
    if (command.command !== 'events.replay') {
      await publish(topic, { ...reply, ...(answers.command?.(command) ?? { status: 'ok', data: {} }) })
      return
    }
    const { fromSeq, toSeq, epoch } = command as unknown as { fromSeq: number; toSeq: number; epoch: string }
    const sent = kept.filter(({ seq = 0 }) => seq >= fromSeq && seq <= toSeq)
    for (const event of sent) await publish(topic, { ...event, historical: true, transaction })
    const lastSeq = kept.at(-1)?.seq ?? 0
    await publish(topic, { ...reply, status: 'ok', data: { epoch, fromSeq, toSeq, sent: sent.length, lastSeq } })
  }

  client.on('message', (topic, payload) => {
    const message = JSON.parse(String(payload))
    if (parseTopic(topic)?.channel !== 'purchase') void obey(message)
    else
      for (const answer of answers.purchase?.(message, purchases++) ?? [])
        void publish(topicOf(routerId, 'usage'), answer)
  })
  const channels = ['purchase', 'command', 'query'] as const
  await client.subscribeAsync(
    channels.map((channel) => topicOf(routerId, channel)),
    { qos: 1 },
  )
  return {
    keep(events) {
      kept = events
    },
    async say(channel, message, retain) {
      await publish(topicOf(routerId, channel), message, retain)
    },
    close: () => client.endAsync(true),
  }
}
