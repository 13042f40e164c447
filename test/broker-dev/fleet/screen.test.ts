// Proves where and how the fleet is shown: a terminal's second screen, or plain lines.
import { describe, expect, it } from 'vitest'
import { emptyFaultLog, type FaultLog } from '../../../broker-dev/faults/fault-log.ts'
import { emptyFleet, seeStatus } from '../../../broker-dev/fleet/fleet-view.ts'
import { createScreen } from '../../../broker-dev/fleet/screen.ts'
import { rejected, status } from '../../support/messages.ts'

const picture = {
  ...{ fleet: seeStatus(emptyFleet, status(2)), faults: emptyFaultLog as FaultLog, problems: [] },
  ...{ now: 0, speed: 1, url: 'mqtt://127.0.0.1:1883' },
}

function written(
  output: { isTTY: boolean; rows?: number },
  use: (screen: ReturnType<typeof createScreen>) => void,
  isColoured = false,
): string {
  let text = ''
  const write = (piece: string) => {
    text += piece
  }
  use(createScreen({ columns: 120, rows: 30, ...output, write }, isColoured))
  return text
}

describe('a terminal', () => {
  it('is drawn over on its second screen, so that nothing comes into the scrollback, and given back', () => {
    const text = written({ isTTY: true, rows: 4 }, (screen) => {
      screen.show(picture)
      screen.show(picture)
      screen.close()
      screen.close()
    })
    expect(text.split('\x1b[?1049h')).toHaveLength(2)
    expect(text.split('\x1b[H')).toHaveLength(3)
    expect(text.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
    // Fewer line feeds than rows: the first line never scrolls out.
    expect(text.split('\x1b[H')[1]?.split('\n').length).toBeLessThanOrEqual(4)
  })

  it('has colours where they are wanted', () => {
    const show = (screen: ReturnType<typeof createScreen>) => screen.show(picture)
    expect(written({ isTTY: true }, show, true)).toContain('\x1b[32m1 online\x1b[39m')
    expect(written({ isTTY: true }, show, false)).not.toContain('\x1b[32m')
  })
})

describe('plain lines', () => {
  it('tell events, and not too many a second', () => {
    const text = written({ isTTY: false }, (screen) => {
      screen.show(picture)
      for (let times = 0; times < 20; times++) screen.event(rejected(), 5000)
      screen.event(rejected(), 6000)
    })
    expect(text.split('\n').filter((line) => line.includes('below-minimum'))).toHaveLength(13)
    expect(text).toContain('… and 8 more')
  })

  it('tell faults and their ends, each once', () => {
    const record = {
      ...({ number: 1, id: 'kill-agent', name: 'kill', target: 'router', routerId: 'r1', at: 0 } as const),
      ...{ did: 'the agent of r1 is killed', macs: [], reactions: [] },
    }
    const healed = { ...record, healed: { at: 10_000, did: 'the agent of r1 is started again' } }
    const text = written({ isTTY: false }, (screen) => {
      for (const records of [[record], [record], [healed], [healed]])
        screen.show({ ...picture, faults: { ...emptyFaultLog, records } })
    })
    expect(text.trimEnd().split('\n')).toEqual([
      '00:00:00  FAULT the agent of r1 is killed',
      '00:00:10  OVER  the agent of r1 is started again',
    ])
  })
})
