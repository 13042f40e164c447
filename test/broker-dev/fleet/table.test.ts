// Proves that the table fits the terminal.
import { describe, expect, it } from 'vitest'
import { emptyFleet, seeStatus, seeUsage } from '../../../broker-dev/fleet/fleet-view.ts'
import { createScreen } from '../../../broker-dev/fleet/screen.ts'
import { renderTable } from '../../../broker-dev/fleet/table.ts'
import { accepted, aSession, ended, rejected, started, status, usage } from '../../support/messages.ts'

const megabytes = 1_000_000
const half = aSession({
  allotment: { bytes: 22 * megabytes },
  used: { bytes: 11 * megabytes },
  remaining: { bytes: 11 * megabytes },
  bytesPerSecond: 3 * megabytes,
})
const fleet = [accepted(1), started(2), usage(2, [half])].reduce(seeUsage, seeStatus(emptyFleet, status(2)))

describe('the table', () => {
  it('shows routers, sessions with what they used, and the last events', () => {
    expect(renderTable(fleet, 120).split('\n')).toEqual([
      'r1    online    nodogsplash 5.0.2     1 session',
      '      02:74:00:01:00:01  open     ████████░░░░░░░░  11 MB of 22 MB       3 MB/s',
      '',
      '12:00:00  r1   02:74:00:01:00:01 bought 1 kB',
      '12:00:00  r1   02:74:00:01:00:01 is online, 312ms after the purchase',
    ])
  })

  it('is never wider than the terminal', () => {
    const widths = renderTable(fleet, 40)
      .split('\n')
      .map((line) => line.length)
    expect(Math.max(...widths)).toBe(40)
  })

  it('is never higher than the terminal, and keeps the events', () => {
    const lines = renderTable(fleet, 120, 4).split('\n')
    expect(lines).toHaveLength(4)
    expect(lines[0]).toBe('… and 2 more lines')
    expect(lines.at(-1)).toContain('is online')
  })

  it('shows time where time is what is left', () => {
    const minutes = aSession({
      allotment: { bytes: 1000, milliseconds: 60_000 },
      used: { bytes: 1000, milliseconds: 45_000 },
      remaining: { bytes: 0, milliseconds: 15_000 },
    })
    expect(renderTable(seeUsage(emptyFleet, usage(1, [minutes])), 120)).toContain('████████████░░░░  45s of 1m')
  })

  it('forgets an ended session', () => {
    expect(renderTable(seeUsage(fleet, ended(3)), 120)).toContain('0 sessions')
  })

  it('does not go back to a report that was overtaken by an event', () => {
    expect(renderTable([ended(3), usage(2, [half])].reduce(seeUsage, fleet), 120)).toContain('0 sessions')
  })

  it('says which numbers are old', () => {
    const stale = usage(2, [{ ...half, quality: 'last-known' }])
    expect(renderTable(seeUsage(emptyFleet, stale), 120)).toContain('3 MB/s ?')
  })
})

describe('the screen', () => {
  function written(output: { isTTY: boolean }, use: (screen: ReturnType<typeof createScreen>) => void): string {
    let text = ''
    use(createScreen({ ...output, columns: 120, rows: 30, write: (piece) => (text += piece) }))
    return text
  }

  it('draws over what it drew before on a terminal', () => {
    const text = written({ isTTY: true }, (screen) => {
      screen.show(fleet)
      screen.show(fleet)
    })
    expect(text).toContain('\x1b[5A\x1b[0J')
  })

  it('writes events as lines elsewhere, and not too many a second', () => {
    const text = written({ isTTY: false }, (screen) => {
      screen.show(fleet)
      for (let times = 0; times < 20; times++) screen.event(rejected(), 5000)
      screen.event(rejected(), 6000)
    })
    expect(text.split('\n').filter((line) => line.includes('below-minimum'))).toHaveLength(13)
    expect(text).toContain('… and 8 more')
  })
})
