// Proves what is counted of a router's events, and how it stands among the metrics.
import { describe, expect, it } from 'vitest'
import { exposed } from '../../metrics/exposition.ts'
import { familiesOf, type RouterFacts } from '../../metrics/families.ts'
import { count, newTally } from '../../metrics/tally.ts'
import type { Event } from '../../protocol/index.ts'
import { accepted, agentStarted, aMac, ended, r1, rejected, started, status } from '../support/messages.ts'

const paid = (amount: number, unit: string, source?: string) => ({
  ...{ amount, unit, pricePerStep: 0.1, steps: 1, change: 0 },
  ...(source !== undefined && { source }),
})
const drift: Event = {
  ...{ version: 1, routerId: r1, epoch: 'e1', seq: 9, at: '2026-11-22T12:00:00.000Z', clockSynced: true },
  ...{ type: 'gate.drift', kind: 'paid-but-blocked', mac: aMac, repair: 'opened again', count: 4 },
}

function linesOf(parts: Partial<RouterFacts> = {}): string[] {
  const facts: RouterFacts = {
    routerId: 'r1',
    state: 'online',
    tally: newTally(),
    heardAgoMilliseconds: 1500,
    ...parts,
  }
  return [...exposed(familiesOf([facts]), 'classic')].join('').split('\n')
}

function counted(...items: Parameters<typeof count>[1][]): string[] {
  const tally = newTally()
  for (const item of items) count(tally, item)
  return linesOf({ tally })
}

describe('of events', () => {
  it('counts outcomes, and the money of what was sold, exactly and by unit and source', () => {
    const lines = counted(
      accepted(1, { paid: paid(0.1, 'eur', 'bank') }),
      accepted(2, { paid: paid(0.2, 'eur', 'bank') }),
      accepted(3, { paid: paid(31, 'sat') }),
      accepted(4),
      rejected({ code: 'expired', paid: { amount: 5, unit: 'sat' } }),
    )
    expect(lines).toContain('tollgate_purchases_total{router="r1",outcome="accepted"} 4')
    expect(lines).toContain('tollgate_purchases_total{router="r1",outcome="expired"} 1')
    expect(lines.filter((line) => line.startsWith('tollgate_money'))).toEqual([
      'tollgate_money_total{router="r1",unit="eur",source="bank"} 0.3',
      'tollgate_money_total{router="r1",unit="sat"} 31',
    ])
  })

  it('has a 0 of every unit on the price list, before anybody pays in it', () => {
    const prices = {
      ...({ metric: 'bytes', stepSize: 1000, directGrants: true } as const),
      prices: [
        { unit: 'sat', pricePerStep: 1, minSteps: 1 },
        { unit: 'eur', pricePerStep: 1, minSteps: 1, source: 'bank' },
      ],
    }
    const tally = newTally()
    count(tally, accepted(1, { paid: paid(31, 'sat') }))
    const lines = linesOf({ tally, status: { prices } })
    expect(lines.filter((line) => line.startsWith('tollgate_money'))).toEqual([
      'tollgate_money_total{router="r1",unit="sat"} 31',
      'tollgate_money_total{router="r1",unit="eur",source="bank"} 0',
    ])
  })

  it('puts each opening into every bound that it keeps', () => {
    const lines = counted(started(1), { ...started(2), openedAfterMilliseconds: 700_000 })
    const histogram = lines.filter((line) => line.startsWith('tollgate_gate_opening_seconds'))
    expect(histogram.map((line) => Number(line.split(' ')[1]))).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 2, 700.312, 2])
  })

  it('counts a session that ends in parts once, by its last part', () => {
    const lines = counted(
      ended(1, { part: 1, parts: 2, overshootBytes: 1 }),
      ended(2, { part: 2, parts: 2, overshootBytes: 7, unreadBytes: 3 }),
      ended(3, { overshootBytes: 10 }),
    )
    expect(lines).toContain('tollgate_sessions_ended_total{router="r1",reason="allotment-used"} 2')
    expect(lines).toContain('tollgate_overshoot_bytes_total{router="r1"} 17')
    expect(lines).toContain('tollgate_unread_bytes_total{router="r1"} 3')
  })

  it('counts a drift as often as it happened, starts, and what is lost', () => {
    const lost = { type: 'lost', fromSeq: 3, toSeq: 7, why: 'pruned' } as const
    const lines = counted(drift, agentStarted(1), lost, { ...lost, toSeq: null }, { type: 'unrecognised' })
    expect(lines).toContain('tollgate_drifts_total{router="r1",kind="paid-but-blocked"} 4')
    expect(lines).toContain('tollgate_agent_starts_total{router="r1"} 1')
    expect(lines).toContain('tollgate_lost_events_total{router="r1",why="pruned"} 6')
    // An increase from nothing would not be seen.
    expect(lines).toContain('tollgate_lost_events_total{router="r1",why="epoch"} 0')
    expect(lines).toContain('tollgate_drifts_total{router="r1",kind="portal-restarted"} 0')
  })
})

describe('of a status', () => {
  const known = status(12, { sold: 1000, used: 600, remaining: 400 })

  it('shows the books in bytes and seconds, the outbox, and the state', () => {
    const conservation = {
      bytes: { sold: 2n ** 60n, used: 600, remaining: 400, unused: 0, difference: 0 },
      milliseconds: { sold: 1500, used: 1, remaining: 1499, unused: 0, difference: -1, writtenOff: 1 },
    }
    const lines = linesOf({ status: { ...known, conservation } })
    expect(lines).toContain('tollgate_sold_bytes_total{router="r1"} 1152921504606846976')
    expect(lines).toContain('tollgate_sold_seconds_total{router="r1"} 1.5')
    expect(lines).toContain('tollgate_difference_seconds{router="r1"} -0.001')
    expect(lines).toContain('tollgate_written_off_seconds{router="r1"} 0.001')
    expect(lines).toContain('tollgate_outbox_events{router="r1"} 12')
    expect(lines).toContain('tollgate_router_state{router="r1",state="online"} 1')
    expect(lines).toContain('tollgate_router_state{router="r1",state="silent"} 0')
    expect(lines).toContain('tollgate_router_heard_seconds{router="r1"} 1.5')
    expect(lines).toContain(
      'tollgate_router_info{router="r1",version="1",portal="nodogsplash",portal_version="5.0.2"} 1',
    )
  })

  it('says of portal and disk what it says now, and nothing of a router that is not there', () => {
    const ill = {
      ...known,
      portal: { ...known.portal, kind: 'opennds', version: null, state: 'unreachable' } as const,
      flash: { writtenBytes: 5, bytesPerDay: null, state: 'refusing' } as const,
    }
    const about = (lines: string[]) =>
      lines.filter((line) => /^tollgate_(portal_reachable|disk_refuses|clock_sync)/.test(line))
    expect(about(linesOf({ status: ill, state: 'degraded' }))).toEqual([
      'tollgate_clock_synchronised{router="r1"} 1',
      'tollgate_portal_reachable{router="r1"} 0',
      'tollgate_disk_refuses{router="r1"} 1',
    ])
    expect(about(linesOf({ status: ill, state: 'silent' }))).toEqual([])
    expect(about(linesOf({ status: { portal: { ...ill.portal, state: 'unknown' } } }))).toEqual([])
  })

  it('names no device', () => {
    const everything = linesOf({ status: known }).concat(counted(accepted(1), started(2), drift, ended(3)))
    expect(everything.join('\n')).not.toMatch(/([0-9a-f]{2}:){5}/i)
  })
})
