// A router that does on purpose what a real one does once a year: it answers late, twice or not at all, loses events on the way,
// begins another journal, and says what nobody has heard of. It says nothing against the contract.
import { randomUUID } from 'node:crypto'
import type { Incoming, Link } from '../client/link.ts'
import { type Json, jsonOf } from '../client/reading.ts'
import { type RefusalCode, RouterId, replyTopicOf, topicOf } from '../protocol/index.ts'
import { acceptanceOf, type EndOptions, endingOf, refusalOf } from './nasty-events.ts'

export interface Heard {
  purchase: Json
  qos: number
}

export interface NastyRouter {
  readonly routerId: RouterId
  /** Every purchase as it came. */
  readonly heard: readonly Heard[]
  /** How often somebody asked for events again. */
  readonly replays: number
  accept(purchase: Json, how?: { repeated?: boolean }): Promise<void>
  refuse(purchase: Json, code: RefusalCode, retry?: boolean): Promise<void>
  /** Ends the session of those purchases with that share of each unused. */
  end(purchases: readonly Json[], how: EndOptions): Promise<void>
  /** The last event once more, as a broker does that did not see it acknowledged. */
  sayAgain(): Promise<void>
  sayUnknown(): Promise<void>
  /** Begins another journal, as after damage. */
  reboot(): Promise<void>
}

export async function nastyRouter(link: Link, prefix: string, name: string): Promise<NastyRouter> {
  const routerId = RouterId.parse(`check-${name}`.slice(0, 64))
  const sessionId = randomUUID()
  const heard: Heard[] = []
  let epoch = randomUUID()
  let journal: Json[] = []
  let replays = 0

  const common = () => ({ version: 1, routerId, epoch, at: new Date().toISOString(), clockSynced: true })
  const say = (channel: 'usage' | 'status', message: object) =>
    link.publish(topicOf(routerId, channel, prefix), message)

  async function enter(event: object, isDropped = false): Promise<void> {
    const numbered: Json = { ...common(), seq: journal.length + 1, ...event }
    journal.push(numbered)
    if (!isDropped) await say('usage', numbered)
  }

  function hear({ payload, qos }: Incoming): void {
    const purchase = jsonOf(payload)
    if (purchase) heard.push({ purchase, qos })
  }

  async function obey({ payload }: Incoming): Promise<void> {
    const command = jsonOf(payload)
    if (!command) return
    const { transaction, replyTo } = command
    const to =
      typeof replyTo === 'string' ? replyTopicOf(routerId, replyTo, prefix) : topicOf(routerId, 'reply', prefix)
    const reply = { transaction, command: command.command }
    if (command.command !== 'events.replay' || command.epoch !== epoch) {
      const error = { code: 'not-found', message: `this journal's epoch is ${epoch}` }
      return link.publish(to, { ...reply, status: 'error', error })
    }
    replays++
    const [fromSeq, toSeq] = [Number(command.fromSeq), Number(command.toSeq)]
    const events = journal.slice(fromSeq - 1, toSeq)
    for (const event of events) await link.publish(to, { ...event, historical: true, transaction })
    const data = { epoch, fromSeq, toSeq, sent: events.length, lastSeq: journal.length }
    await link.publish(to, { ...reply, status: 'ok', data })
  }

  /** As a router does once in a while: how far its journal goes. */
  const report = () =>
    say('usage', { type: 'usage', ...common(), afterSeq: journal.length, part: 1, parts: 1, sessions: [] })

  await link.subscribe(topicOf(routerId, 'purchase', prefix), hear)
  for (const channel of ['command', 'query'] as const) {
    await link.subscribe(topicOf(routerId, channel, prefix), (message) => void obey(message).catch(() => {}))
  }
  await enter({ type: 'agent.started', agentVersion: '0', bootId: 'check', why: 'first-start' })

  return {
    routerId,
    heard,
    get replays() {
      return replays
    },
    async accept(purchase, { repeated = false } = {}) {
      const accepted = acceptanceOf(purchase, sessionId)
      if (!repeated) return enter(accepted)
      // The first answer is in the journal of long ago; only its repetition is heard.
      await say('usage', { ...common(), ...accepted, duplicate: true, ofSeq: 1, ofEpoch: 'long-ago' })
    },
    async refuse(purchase, code, retry) {
      const refused = refusalOf(purchase, code)
      if (retry === undefined) await enter({ ...refused, final: true })
      else await say('usage', { ...common(), ...refused, final: false, retry, ...(!retry && { ofSeq: 1 }) })
    },
    async end(purchases, how) {
      await enter(endingOf(purchases, sessionId, how), how.isDropped)
      // The event after it shows that something is missing.
      if (how.isDropped) await enter({ type: 'gate.drift', kind: 'portal-back', repair: 'none' })
      await report()
    },
    sayAgain: () => say('usage', journal.at(-1) ?? {}),
    sayUnknown: () => enter({ type: 'session.blessed', sessionId, by: ['nobody'], novelty: { deep: true } }),
    async reboot() {
      epoch = randomUUID()
      journal = []
      await report()
      await enter({ type: 'agent.started', agentVersion: '0', bootId: 'check', why: 'after-crash' })
    },
  }
}
