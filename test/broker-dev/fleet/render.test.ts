// Proves that the screen fits the terminal, and says first what matters most.
import { describe, expect, it, test } from 'vitest'
import { addFault, emptyFaultLog, healFault, seeGates } from '../../../broker-dev/faults/fault-log.ts'
import { emptyFleet, type FleetView, seeStatus, seeUsage } from '../../../broker-dev/fleet/fleet-view.ts'
import type { Picture } from '../../../broker-dev/fleet/picture.ts'
import { renderPicture } from '../../../broker-dev/fleet/render.ts'
import { painted } from '../../../broker-dev/fleet/spans.ts'
import { RouterId, type Session } from '../../../protocol/index.ts'
import { accepted, aMac, aSession, drift, ended, r1, rejected, started, status, usage } from '../../support/messages.ts'

const megabytes = 1_000_000
const half = aSession({
  allotment: { bytes: 22 * megabytes },
  used: { bytes: 11 * megabytes },
  remaining: { bytes: 11 * megabytes },
  bytesPerSecond: 3 * megabytes,
})
const fleet = [accepted(1), started(2), usage(2, [half])].reduce(
  (view, message) => seeUsage(view, message),
  seeStatus(emptyFleet, status(2, { sold: 1000 })),
)

/** Its lines without colours. */
function shown(view: FleetView, parts: Partial<Picture> & { width?: number; height?: number } = {}): string[] {
  const { width = 120, height, ...picture } = parts
  const whole: Picture = {
    ...{ fleet: view, faults: emptyFaultLog, problems: [], now: 0, speed: 1, url: 'mqtt://127.0.0.1:1883' },
    ...picture,
  }
  return renderPicture(whole, width, height).map((line) => painted(line, false))
}

const reporting = (session: Partial<Session>) => shown(seeUsage(emptyFleet, usage(1, [aSession(session)]))).join('\n')

/** Routers with a session each, and one of them in trouble. */
function aLargeFleet(routers: number, sick: number): FleetView {
  return [...Array(routers).keys()].reduce((view, index) => {
    const routerId = RouterId.parse(`r${index + 1}`)
    const ofIt = { ...status(2), routerId }
    const trouble = { ...ofIt, state: 'degraded' as const, warnings: ['the disk is full'] }
    return seeUsage(seeStatus(view, index + 1 === sick ? trouble : ofIt), { ...usage(2, [half]), routerId })
  }, emptyFleet)
}

describe('the screen', () => {
  it('has a header, routers with their sessions, and the last events', () => {
    expect(shown(fleet)).toEqual([
      '1 router  1 online   1 session  1 open  0 not   sold 1 kB and 0ms   used 0 B and 0ms',
      "broker mqtt://127.0.0.1:1883   the fleet's time 00:00:00",
      '',
      '  r1   online    nodogsplash 5.0.2   1 open',
      '    02:74:00:01:00:01 open    ██████░░░░░░ 11 MB of 22 MB     3 MB/s',
      '',
      '12:00:00  r1   02:74:00:01:00:01 bought 1 kB',
      '12:00:00  r1   02:74:00:01:00:01 is online, 312ms after the purchase',
    ])
  })

  it('shows keys and doors where there are some', () => {
    const text = shown(fleet, { selected: r1, page: 'http://127.0.0.1:8081', speed: 10, note: 'nobody is online' })
    expect(text.join('\n')).toContain('page http://127.0.0.1:8081')
    expect(text.join('\n')).toContain('10 times as fast as yours')
    expect(text.join('\n')).toContain('faults at r1  k kill the agent')
    expect(text).toContain('nobody is online')
  })

  test.each([40, 80, 120])('is never wider than %i columns, and cuts nothing off that can be wrapped', (width) => {
    const lines = shown(fleet, { width, selected: r1 })
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width)
    expect(lines.join(' ').replaceAll(/\s+/g, ' ')).toContain('is online, 312ms after the purchase')
    if (width >= 80) expect(lines.join('\n')).toContain('3 MB/s')
  })

  test.each([10, 15, 24, 50])('is never higher than %i rows, and keeps its header', (height) => {
    const lines = shown(aLargeFleet(60, 40), { height, selected: r1 })
    expect(lines.length).toBeLessThanOrEqual(height)
    expect(lines[0]).toContain('60 routers  1 degraded  59 online')
  })

  it('gives each router a line where they do not fit, the unwell first', () => {
    const rows = shown(aLargeFleet(60, 40), { height: 24 }).slice(3)
    expect(rows[0]).toMatch(/^ {2}r40 {2}degraded .* 1 open .* 3 MB\/s .* ! the disk is full$/)
    expect(rows[1]).toMatch(/^ {2}r1 {3}online/)
    expect(rows.join('\n')).toMatch(/… and \d+ more, all of them well/)
  })

  it('shows a silent router as what it is', () => {
    const late = 3 * 10_000 + 1
    expect(shown(fleet, { now: late - 1 }).join('\n')).toContain('1 online')
    expect(shown(fleet, { now: late }).join('\n')).toContain('1 silent')
  })

  it('shows time where time is what is left, and lets it run between two reports', () => {
    const minute = {
      allotment: { bytes: 1000, milliseconds: 60_000 },
      used: { bytes: 1000, milliseconds: 45_000 },
      remaining: { bytes: 0, milliseconds: 15_000 },
    }
    const view = seeUsage(seeStatus(emptyFleet, status(1)), usage(1, [aSession(minute)]))
    expect(shown(view).join('\n')).toContain('█████████░░░ 45s of 1m')
    expect(shown(view, { now: 5000 }).join('\n')).toContain('██████████░░ 50s of 1m')
    expect(shown(view, { now: 20_000 }).join('\n')).toContain('████████████ 1m of 1m')
  })

  it('forgets an ended session, and does not go back to a report that was overtaken', () => {
    const over = seeUsage(fleet, ended(3))
    expect(shown(over).join('\n')).toContain('no session')
    expect(shown(seeUsage(over, usage(2, [half]))).join('\n')).toContain('no session')
  })

  it('says which numbers are old, and why a session waits', () => {
    expect(reporting({ ...half, quality: 'last-known' })).toContain('3 MB/s ?')
    expect(reporting({ state: 'waiting', waitingFor: 'device' })).toContain('for device')
  })

  it('shows the same drift of several devices as one line', () => {
    const several = [3, 4, 5].reduce((view, seq) => seeUsage(view, drift(seq)), fleet)
    expect(shown(several).filter((line) => line.includes('paid-but-blocked'))).toEqual([
      '12:00:00  r1   3 devices paid-but-blocked: the gate is being opened again',
    ])
  })

  it('marks an answer that is given again', () => {
    expect(shown(seeUsage(fleet, accepted(1, { duplicate: true }))).join('\n')).toContain('bought 1 kB, said again')
  })

  it('shows a fault, for how long it stays, and what came of it', () => {
    const begun = addFault(emptyFaultLog, {
      ...{ number: 1, id: 'log-out', name: 'log out', target: 'device', routerId: 'r1' },
      ...{ at: 0, did: 'a customer has logged out', macs: [aMac], healsAt: 30_000 },
    })
    const moved = seeGates(seeGates(begun, 'r1', new Set([aMac]), 0), 'r1', new Set(), 1500)
    expect(shown(fleet, { faults: moved, now: 2000 })).toEqual(
      expect.arrayContaining([
        '00:00:00  FAULT a customer has logged out, for 28s more',
        '  +1.5s   the gate of 02:74:00:01:00:01 is shut',
      ]),
    )
    const over = healFault(moved, 1, { at: 30_000, did: 'all is well' })
    expect(shown(fleet, { faults: over, now: 31_000 })).toContain('00:00:30  OVER  all is well')
    expect(shown(fleet, { faults: over, now: 300_000 }).join('\n')).not.toContain('FAULT')
  })

  it('explains its keys', () => {
    const text = shown(fleet, { selected: r1, isHelp: true, hints: 'buy like this' }).join('\n')
    expect(text).toContain('k  The agent is gone from one moment to the next')
    expect(text).toContain('buy like this')
  })

  it('names what is wrong with the run', () => {
    expect(shown(seeUsage(fleet, rejected()), { problems: ['r1: the agent ended by itself: SIGKILL'] })).toContain(
      'PROBLEM r1: the agent ended by itself: SIGKILL',
    )
  })
})
