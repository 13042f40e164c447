// Twenty purchases at a router, and a blow at the cluster in the middle of them: when the last one has its outcome, and what was seen of
// the router's liveness meanwhile.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { until } from '../support/until.ts'
import type { FleetAtNats } from './a-fleet-at-nats.ts'

/** Resolves with what takes it back. */
export type Blow = () => Promise<() => unknown>

export interface Bout {
  what: string
  /** Purchases with an outcome, and those that had one before the blow. */
  outcomes: number
  settledBefore: number
  answers: { purchaseId: string; seq: number }[]
  /** From the blow. */
  lastOutcomeSeconds: number
  /** The states that a monitor and the exporter gave of the router from the blow until the last outcome. */
  states: string[]
  exported: string[]
  longestSilenceSeconds: number
}

const purchases = 20
const apartMilliseconds = 20
let bouts = 0

export async function sellThrough(fleet: FleetAtNats, blow: Blow, what: string): Promise<Bout> {
  const number = ++bouts
  const answers: Bout['answers'] = []
  let blownAt = 0
  let lastAt = 0
  async function sell(index: number): Promise<void> {
    await sleepFor(index * apartMilliseconds)
    const mac = `02:66:ca:fe:${String(number).padStart(2, '0')}:${String(index).padStart(2, '0')}`
    const order = { mac, metric: 'bytes', allotment: 1_000_000 } as const
    const purchaseId = `bout-${number}-${index}`
    const result = await fleet.backend.buy(purchaseId, 'r1', order)
    if (result.outcome !== 'accepted') throw new Error(`${purchaseId}, ${what}: ${result.outcome}`)
    answers.push({ purchaseId, seq: result.event.seq ?? result.event.ofSeq ?? 0 })
    lastAt = performance.now()
  }
  const over = new AbortController()
  const watching = watch(fleet, over.signal)
  const selling = Promise.all(Array.from({ length: purchases }, (_, index) => sell(index)))
  selling.catch(() => {})
  await sleepFor((purchases / 2) * apartMilliseconds)
  const settledBefore = answers.length
  blownAt = performance.now()
  const takeBack = await blow()
  await selling
  over.abort()
  const seen = await watching
  await takeBack()
  await fleet.cluster.ready()
  await until(async () => (await stateOf(fleet)).state === 'online', 60_000)
  const lastOutcomeSeconds = (lastAt - blownAt) / 1000
  return { what, outcomes: answers.length, settledBefore, answers, lastOutcomeSeconds, ...seen }
}

async function watch(fleet: FleetAtNats, over: AbortSignal) {
  const [states, exported]: [string[], string[]] = [[], []]
  let longestSilenceSeconds = 0
  for (; !over.aborted; await sleepFor(200, undefined, { signal: over }).catch(() => {})) {
    const { state, heardAgoMilliseconds } = await stateOf(fleet)
    if (states.at(-1) !== state) states.push(state)
    longestSilenceSeconds = Math.max(longestSilenceSeconds, heardAgoMilliseconds / 1000)
    const shown = /^tollgate_router_state\{router="r1",state="(\w+)"\} 1$/
    const now = (await fleet.metrics()).flatMap((line) => shown.exec(line)?.[1] ?? [])
    const [one = 'no answer'] = now
    if (exported.at(-1) !== one) exported.push(one)
  }
  return { states, exported, longestSilenceSeconds }
}

async function stateOf({ watcher }: FleetAtNats) {
  const views = (await watcher?.routers().catch(() => [])) ?? []
  return views.find(({ routerId }) => routerId === 'r1') ?? { state: 'unknown', heardAgoMilliseconds: 0 }
}

export function inWords({ what, outcomes, settledBefore, lastOutcomeSeconds, ...seen }: Bout): string {
  const liveness = `a monitor saw ${seen.states.join(' > ')}, the exporter ${seen.exported.join(' > ')}`
  const silence = `silent for ${seen.longestSilenceSeconds.toFixed(1)} s at most`
  const sold = `${outcomes} of ${purchases} outcomes (${settledBefore} before), the last after ${lastOutcomeSeconds.toFixed(1)} s`
  return `${what}: ${sold}; ${liveness}, ${silence}`
}
