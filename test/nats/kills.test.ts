// Proves that no death of nodes and no partition costs anybody anything but time: an outcome for each purchase that was under way, one in the journal and the
// same at the backend, and journals that consumers, database and metrics have to the last event.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Item } from '../../client/index.ts'
import { natsMissing } from '../support/brokers/nats.ts'
import { openMachines, type ThreeMachines, whyNoMachines } from '../support/brokers/three-machines.ts'
import { isMissing } from '../support/processes/postgres.ts'
import { comparable } from '../support/router-events.ts'
import { until } from '../support/until.ts'
import { aFleetAtNats, type FleetAtNats, routerIds } from './a-fleet-at-nats.ts'
import { type Blow, type Bout, inWords, sellThrough } from './sell-through.ts'

// NATS_ROUNDS=10 is the long run.
const rounds = Number(process.env.NATS_ROUNDS ?? 1)
const missing = natsMissing ?? (isMissing ? 'postgresql is not installed' : undefined)
const noMachines = whyNoMachines()
if (noMachines && process.env.CI) throw new Error(noMachines)

describe.skipIf(missing)(missing ?? `a fleet at three nodes, each blow ${rounds} times`, () => {
  let fleet: FleetAtNats
  let machines: ThreeMachines | undefined
  const bouts: Bout[] = []
  beforeAll(async () => {
    machines = noMachines ? undefined : openMachines()
    fleet = await aFleetAtNats(machines)
  }, 180_000)
  afterAll(async () => {
    await fleet?.close()
    machines?.close()
  }, 60_000)

  const nodeOfRouter = async (): Promise<number> => (await fleet.cluster.nodeOf('tollgate-r1')) ?? 0

  const killed: Blow = async () => {
    const node = await nodeOfRouter()
    await fleet.cluster.kill(node)
    return () => fleet.cluster.start(node)
  }
  const allKilled: Blow = async () => {
    await Promise.all([0, 1, 2].map((node) => fleet.cluster.kill(node)))
    // As long as machines take to start at best.
    const back = sleepFor(3000).then(() => [0, 1, 2].forEach((node) => void fleet.cluster.start(node)))
    return () => back
  }
  const hanging: Blow = async () => {
    const node = await nodeOfRouter()
    fleet.cluster.signal(node, 'SIGSTOP')
    return () => fleet.cluster.signal(node, 'SIGCONT')
  }
  const cutOff: Blow = async () => {
    const node = await nodeOfRouter()
    machines?.cutOff(node)
    return () => machines?.heal(node)
  }

  async function goesThrough(blow: Blow, what: string, seconds: number): Promise<void> {
    for (let round = 1; round <= rounds; round++) {
      const bout = await sellThrough(fleet, blow, `${what}, ${round} of ${rounds}`)
      console.log(inWords(bout))
      bouts.push(bout)
      expect(bout.outcomes).toBe(20)
      expect(bout.settledBefore).toBeLessThan(20)
      expect(bout.lastOutcomeSeconds).toBeLessThanOrEqual(seconds)
    }
  }
  const time = rounds * 150_000

  it.each([
    { what: "the agent's node killed", blow: killed, seconds: 30 },
    { what: 'all three killed', blow: allKilled, seconds: 30 },
    // Nothing is closed: the door finds out by its own checks, or the agent by an acknowledgement that is missing.
    { what: "the agent's node hanging", blow: hanging, seconds: 60 },
  ])(
    '$what: one outcome for each of 20 purchases, within $seconds s',
    ({ what, blow, seconds }) => goesThrough(blow, what, seconds),
    time,
  )

  // Its clients still reach it, but it can acknowledge nothing: its door finds out by the checks, and shuts.
  it.skipIf(noMachines)(
    noMachines ?? "the agent's node cut off from the others: one outcome for each of 20 purchases, within 60 s",
    () => goesThrough(cutOff, "the agent's node cut off from the others", 60),
    time,
  )

  it('each purchase has one outcome in the journal, which is the one its buyer was told', async () => {
    const outcomes = new Map<string, number[]>()
    for (const event of fleet.journalOf('r1')) {
      if (event.type !== 'purchase.accepted' && event.type !== 'purchase.rejected') continue
      const id = event.purchaseId ?? ''
      outcomes.set(id, [...(outcomes.get(id) ?? []), event.seq ?? 0])
    }
    const told = bouts.flatMap(({ answers }) => answers)
    expect(told).toHaveLength(20 * bouts.length)
    expect(told.map(({ purchaseId }) => outcomes.get(purchaseId))).toEqual(told.map(({ seq }) => [seq]))
  })

  it('two consumers by partition have together what the routers have in their journals, once and in order', async () => {
    const merged = (id: string) => fleet.logs.flat().filter(({ routerId }) => routerId === id)
    await until(() => routerIds.every((id) => merged(id).length >= fleet.journalOf(id).length), 60_000)
    const shares = fleet.logs.map((log) => [...new Set(log.map(({ routerId }) => routerId))])
    expect(shares.flat().sort()).toEqual([...routerIds])
    for (const id of routerIds) {
      const journal = fleet.journalOf(id)
      expect(journal.map(({ seq }) => seq)).toEqual(journal.map((_, index) => index + 1))
      expect(merged(id).map(comparable)).toEqual(journal.map(comparable))
    }
    const historical = fleet.logs.flat().filter((item) => 'historical' in item).length
    console.log(`consumers: ${fleet.logs.flat().length} events, ${historical} of them asked for again; seqs missing: 0`)
  })

  it('so has the table that two sinks by partition have written', async () => {
    const table = async () =>
      fleet.rows('select router_id, event from tollgate.events order by router_id, seq') as Promise<
        { router_id: string; event: Item }[]
      >
    const journals = routerIds.map((id) => fleet.journalOf(id))
    await until(async () => (await table()).length >= journals.flat().length, 60_000)
    const rows = await table()
    for (const [index, id] of routerIds.entries()) {
      const written = rows.filter(({ router_id }) => router_id === id)
      expect(written.map(({ event }) => comparable(event))).toEqual(journals[index]?.map(comparable))
    }
    expect(await fleet.rows('select * from tollgate.lost')).toEqual([])
    console.log(`sink: ${rows.length} rows of ${routerIds.length} routers`)
  })

  it('and the exporter counts what was sold', async () => {
    const sold = 20 * bouts.length
    const line = `tollgate_purchases_total{router="r1",outcome="accepted"} ${sold}`
    await until(async () => (await fleet.metrics()).includes(line), 30_000)
  })
})
