// A link that is a list: what was published, and a way to say something on a topic.
import type { Clock } from '../../client/clock.ts'
import { FleetError } from '../../client/errors.ts'
import type { Handler, Link } from '../../client/link.ts'
import { type FakeClock, fakeClock } from '../support/fake-clock.ts'

export interface FakeLink extends Link {
  published: { topic: string; message: Record<string, unknown> }[]
  filters: Map<string, Handler>
  /** Resolves when whoever heard it has taken it. */
  say(topic: string, message: object | string, retained?: boolean): Promise<void>
  setConnected(connected: boolean): void
  /** The broker's answer to every publish from now on. */
  refuse(why: FleetError | undefined): void
}

export function fakeLink(): FakeLink {
  const published: FakeLink['published'] = []
  const filters = new Map<string, Handler>()
  const told: (() => void)[] = []
  let connected = true
  let refusal: FleetError | undefined
  return {
    published,
    filters,
    open: async () => {},
    close: async () => {},
    get connected() {
      return connected
    },
    async publish(topic, message) {
      if (!connected) throw new FleetError('not-taken', 'no connection')
      published.push({ topic, message: JSON.parse(JSON.stringify(message)) })
      if (refusal) throw refusal
    },
    async subscribe(filter, handler) {
      filters.set(filter, handler)
      return () => filters.delete(filter)
    },
    onConnected: (tell) => told.push(tell),
    async say(topic, message, retained = false) {
      const payload = new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message))
      for (const [filter, handler] of filters) {
        const pattern = new RegExp(`^${filter.replaceAll('+', '[^/]+')}$`)
        if (pattern.test(topic)) await handler({ topic, payload, retained, qos: 1 })
      }
    },
    setConnected(isConnected) {
      connected = isConnected
      if (isConnected) for (const tell of told) tell()
    },
    refuse(why) {
      refusal = why
    },
  }
}

export function aClock(): Clock & Pick<FakeClock, 'advance'> {
  const clock = fakeClock()
  return { now: clock.monotonic, sleep: clock.sleep, advance: clock.advance }
}

/** Until what is under way has come to rest. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}
