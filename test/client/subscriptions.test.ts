// Proves that a refusal which says nothing is asked again: for ever where it was granted before, and a few times where it never was.
import { expect, it } from 'vitest'
import { createSubscriptions } from '../../client/subscriptions.ts'

type Asked = Parameters<ReturnType<typeof createSubscriptions>['resubscribe']>[0]

const [granted, failure, notAuthorised] = [1, 0x80, 0x87]

/** A broker that gives these answers, one for each SUBSCRIBE, and then the last one again and again. */
function aBroker(...answers: number[]) {
  const asked: string[][] = []
  const client = {
    connected: true,
    subscribe(filters: string[], _options: object, done: (...given: unknown[]) => void) {
      const answer = answers[Math.min(asked.length, answers.length - 1)]
      asked.push(filters)
      done(null, [], { granted: filters.map(() => answer) })
    },
    unsubscribe: () => {},
  }
  return { asked, client: client as unknown as Asked }
}

/** Each sleep is over when the test says so. */
function aClock() {
  const sleeping: (() => void)[] = []
  return {
    clock: { sleep: () => new Promise<void>((wake) => sleeping.push(wake)) },
    async passes() {
      for (const wake of sleeping.splice(0)) wake()
      await new Promise(setImmediate)
    },
    isSleeping: () => sleeping.length > 0,
  }
}

function subscriptions() {
  const time = aClock()
  const warnings: string[] = []
  const all = createSubscriptions({ name: 'b', clock: time.clock, warn: ({ code }) => void warnings.push(code) })
  return { all, time, warnings }
}

it('asks again for what was granted before until it is granted, and says so once', async () => {
  const { all, time, warnings } = subscriptions()
  const heard: string[] = []
  const subscribed = all.subscribe('a/+', ({ topic }) => void heard.push(topic))
  await all.resubscribe(aBroker(granted).client)
  await subscribed
  all.disconnected()
  const after = aBroker(failure, failure, failure, failure, failure, granted)
  await all.resubscribe(after.client)
  for (let time_ = 0; time_ < 5; time_++) await time.passes()

  expect(after.asked).toHaveLength(6)
  expect(time.isSleeping()).toBe(false)
  expect(warnings).toEqual(['not-taken'])
  await all.take({ topic: 'a/b', payload: new Uint8Array(), retained: false, qos: 1 })
  expect(heard).toEqual(['a/b'])
})

it('gives up what was never granted after the third time', async () => {
  const { all, time } = subscriptions()
  const refused = expect(all.subscribe('a/+', () => {})).rejects.toMatchObject({ code: 'unauthorised' })
  const broker = aBroker(failure)
  await all.resubscribe(broker.client)
  await time.passes()
  await time.passes()

  await refused
  expect([broker.asked.length, time.isSleeping()]).toEqual([3, false])
})

it('believes a refusal that names its reason', async () => {
  const { all, time } = subscriptions()
  const refused = expect(all.subscribe('a/+', () => {})).rejects.toMatchObject({ code: 'unauthorised' })
  await all.resubscribe(aBroker(notAuthorised).client)

  await refused
  expect(time.isSleeping()).toBe(false)
})

it('leaves the asking to the next connection where this one is over', async () => {
  const { all, time } = subscriptions()
  void all.subscribe('a/+', () => {})
  const broker = aBroker(failure)
  await all.resubscribe(broker.client)
  Object.assign(broker.client, { connected: false })
  await time.passes()

  expect(broker.asked).toHaveLength(1)
})
