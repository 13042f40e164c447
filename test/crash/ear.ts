// Somebody who hears every router at the broker, and remembers to the letter what was said under each number.
import mqtt from 'mqtt'
import { type Event, type LiveStatus, Status, UsageMessage } from '../../protocol/index.ts'

/** All that one router has said. */
export interface Voice {
  /** Every numbered event once, in the order in which it was first heard. */
  events: Event[]
  /** Answers without a number: repetitions, and refusals that are no outcome. */
  answers: Event[]
  statuses: Status[]
  /** Two different events under one epoch and number. */
  contradictions: string[]
}

export interface Ear {
  of(routerId: string): Voice
  /** Says something on the purchase topic, as any backend would. */
  purchase(routerId: string, message: object): Promise<void>
  /** Rejects when the broker goes away: nothing that is heard after that proves anything. */
  readonly deaf: Promise<never>
  close(): Promise<void>
}

export async function listen(url: string): Promise<Ear> {
  const voices = new Map<string, Voice>()
  const texts = new Map<string, string>()
  const client = await mqtt.connectAsync(url)
  const deaf = new Promise<never>((_, reject) => {
    client.on('close', () => reject(new Error('the broker went away')))
  })
  // Not everybody waits for it.
  deaf.catch(() => {})

  function voiceOf(routerId: string): Voice {
    const voice = voices.get(routerId) ?? { events: [], answers: [], statuses: [], contradictions: [] }
    voices.set(routerId, voice)
    return voice
  }

  function hear(voice: Voice, message: UsageMessage, text: string): void {
    if (message.type === 'usage') return
    if (message.seq === undefined) return void voice.answers.push(message)
    const key = `${message.routerId} ${message.epoch} ${message.seq}`
    const before = texts.get(key)
    texts.set(key, before ?? text)
    if (before === undefined) voice.events.push(message)
    else if (before !== text) voice.contradictions.push(`${before} and ${text}`)
  }

  client.on('message', (topic, payload) => {
    const [, routerId = '', channel] = topic.split('/')
    const text = payload.toString()
    if (channel === 'usage') hear(voiceOf(routerId), UsageMessage.parse(JSON.parse(text)), text)
    else voiceOf(routerId).statuses.push(Status.parse(JSON.parse(text)))
  })
  await client.subscribeAsync(['router/+/usage', 'router/+/status'], { qos: 1 })

  return {
    of: voiceOf,
    deaf,
    async purchase(routerId, message) {
      await client.publishAsync(`router/${routerId}/purchase`, JSON.stringify(message), { qos: 1 })
    },
    close: () => client.endAsync(true),
  }
}

export const liveOf = ({ statuses }: Voice): LiveStatus[] =>
  statuses.filter((status): status is LiveStatus => status.state !== 'offline')

export function ofType<T extends Event['type']>({ events }: Voice, type: T) {
  return events.filter((event): event is Extract<Event, { type: T }> => event.type === type)
}
