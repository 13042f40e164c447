// The contract as an AsyncAPI 3.1 document, from the side of those who talk to routers.
import * as z from 'zod'
import { idOf, messages, type Named, parts } from './named.ts'

export interface Example {
  name: string
  payload: unknown
}

const parameters = {
  prefix: { description: 'The topic prefix of the fleet.', default: 'router' },
  routerId: { description: 'A router: 1-64 of A-Z a-z 0-9 _ -.' },
}
const replyTo = { description: 'Of who asked: replyTo in the command, 1-64 of A-Z a-z 0-9 _ -.' }

const channels: Record<string, { address: string; description: string; parameters: object }> = {
  purchase: {
    address: '{prefix}/{routerId}/purchase',
    description: 'Purchases for a router; QoS 1, never retained. Published again until there is an outcome on usage.',
    parameters,
  },
  usage: {
    address: '{prefix}/{routerId}/usage',
    description: 'Every event, in order and at least once, and usage reports; QoS 1.',
    parameters,
  },
  status: {
    address: '{prefix}/{routerId}/status',
    description: 'The state of the router, retained; its last will on the same topic says offline. QoS 1.',
    parameters,
  },
  command: {
    address: '{prefix}/{routerId}/command',
    description: 'Commands; QoS 1, never retained. The same transaction acts once.',
    parameters,
  },
  query: {
    address: '{prefix}/{routerId}/query',
    description: 'The commands that only read, for those who may ask and not act; QoS 1.',
    parameters,
  },
  reply: {
    address: '{prefix}/{routerId}/reply',
    description: 'Replies to commands without replyTo; QoS 1.',
    parameters,
  },
  replyTo: {
    address: '{prefix}/{routerId}/reply/{replyTo}',
    description: 'Replies and replayed events, for who asked with that replyTo; QoS 1.',
    parameters: { ...parameters, replyTo },
  },
}

const operations: Record<string, { action: 'send' | 'receive'; channel: string; summary: string; reply?: string }> = {
  sell: { action: 'send', channel: 'purchase', summary: 'Sell to one device.' },
  hear: { action: 'receive', channel: 'usage', summary: 'Hear outcomes, events and usage.' },
  watch: { action: 'receive', channel: 'status', summary: 'Know which routers are there, and their prices.' },
  command: { action: 'send', channel: 'command', summary: 'End, pause, resume or move a session.', reply: 'replyTo' },
  ask: { action: 'send', channel: 'query', summary: 'Ask without acting; fill gaps in the events.', reply: 'replyTo' },
}

const reference = (path: string) => ({ $ref: `#/${path}` })
const messagesOf: Record<string, keyof typeof messages> = { query: 'command', replyTo: 'reply' }

/** `version`: of the package. The examples go to the message whose schema they are of. */
export function asyncApi(version: string, examples: readonly Example[]): object {
  const topical = Object.keys(channels)
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'tollgate-fleet',
      version,
      license: { name: 'MIT' },
      description:
        'Pay-per-use Wi-Fi over a fleet of routers. One JSON object a message, UTF-8, QoS 1; MQTT 3.1.1 is enough for everything. `docs/backend.md` walks through it.',
    },
    defaultContentType: 'application/json',
    servers: {
      broker: {
        host: 'broker.example:8883',
        protocol: 'mqtt',
        protocolVersion: '3.1.1',
        description: 'The MQTT broker.',
      },
    },
    channels: Object.fromEntries(topical.map((name) => [name, channelOf(name)])),
    operations: Object.fromEntries(
      Object.entries(operations).map(([name, operation]) => [name, operationOf(operation)]),
    ),
    components: { messages: messagesWith(examples), schemas: componentSchemas() },
  }
}

function channelOf(name: string): object {
  const message = messagesOf[name] ?? name
  return { ...channels[name], messages: { [message]: reference(`components/messages/${message}`) } }
}

function operationOf({ action, channel, summary, reply }: (typeof operations)[string]): object {
  const answer = reply && {
    reply: { channel: reference(`channels/${reply}`), messages: [reference(`channels/${reply}/messages/reply`)] },
  }
  const message = messagesOf[channel] ?? channel
  return {
    ...{ action, summary, channel: reference(`channels/${channel}`) },
    messages: [reference(`channels/${channel}/messages/${message}`)],
    bindings: { mqtt: { qos: 1, retain: channel === 'status', bindingVersion: '0.2.0' } },
    ...answer,
  }
}

function messagesWith(examples: readonly Example[]): object {
  const entries = Object.keys(messages).map((name) => {
    const own = examples.filter(({ name: example }) => messageOf(example) === name)
    const message = {
      name,
      title: idOf(name),
      contentType: 'application/json',
      payload: reference(`components/schemas/${idOf(name)}`),
    }
    return [name, { ...message, examples: own.map(({ name: example, payload }) => ({ name: example, payload })) }]
  })
  return Object.fromEntries(entries)
}

/** Which message an example is of, by its name. */
export function messageOf(example: string): keyof typeof messages {
  const kind = example.split('.')[0] ?? ''
  if (example === 'purchase.paid' || example === 'purchase.direct') return 'purchase'
  if (kind === 'query') return 'command'
  return kind in messages && kind !== 'purchase' ? (kind as keyof typeof messages) : 'usage'
}

function componentSchemas(): object {
  const all = z.registry<Named>()
  for (const { schema, about } of parts) all.add(schema, about)
  for (const [name, schema] of Object.entries(messages)) all.add(schema, { id: idOf(name) })
  // AsyncAPI's own schemas are draft 7.
  const { schemas } = z.toJSONSchema(all, { io: 'input', target: 'draft-7', uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $id: _, $schema: __, ...schema }]: [string, Record<string, unknown>]) => [
      id,
      schema,
    ]),
  )
}
