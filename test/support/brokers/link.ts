// The client's connection by itself, for what measures and tests: whatever comes on some topics, and a way to publish.
import { addressesOf, namesOf } from '../../../client/address.ts'
import { realTime } from '../../../client/clock.ts'
import { createLink as createClientLink } from '../../../client/link.ts'

export interface LinkOptions {
  url: string
  topics: string[]
  onMessage(topic: string, payload: Uint8Array): void
}

export interface Link {
  /** Resolves when first connected and subscribed; it keeps trying until it is closed. */
  open(): Promise<void>
  /** QoS 1; resolves when the broker has it. */
  publish(topic: string, message: object): Promise<void>
  close(): Promise<void>
}

export function createLink({ url, topics, onMessage }: LinkOptions): Link {
  const link = createClientLink({
    addresses: addressesOf({ url }),
    name: namesOf({ url }),
    clock: realTime,
    warn: () => {},
  })
  return {
    async open() {
      const hear = (message: { topic: string; payload: Uint8Array }) => onMessage(message.topic, message.payload)
      const subscribed = Promise.all(topics.map((topic) => link.subscribe(topic, hear)))
      await Promise.all([link.open({ within: Number.POSITIVE_INFINITY }), subscribed])
    },
    publish: link.publish,
    close: link.close,
  }
}
