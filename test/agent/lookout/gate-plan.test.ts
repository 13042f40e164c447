// Proves that the plan opens what is paid, shuts what is not, counts every entry of a device and spares the trusted.
import { describe, expect, test } from 'vitest'
import { gatePlan, isDue, openAtOnce } from '../../../agent/lookout/gate-plan.ts'
import { aBooks, aClient, aList, aLot, aMac, anIp, anOpenSession, aSession } from '../../support/builders.ts'

const second = (open: boolean) => aClient({ token: 't2', ip: anIp(2), open })
const first = (open: boolean) => aClient({ open })
const timed = [aLot({ metric: 'milliseconds', allotment: 5000, used: 1000 })]
const spent = [aLot({ used: 1000 })]

describe('gatePlan', () => {
  test.each([
    { when: 'a paid device is blocked', sessions: [aSession()], clients: [first(false)], steps: ['open t1'] },
    { when: 'a paid device is open', sessions: [anOpenSession()], clients: [first(true)], steps: [] },
    { when: 'a paid device is unknown to the portal', sessions: [aSession()], clients: [], steps: [] },
    {
      when: 'a device has a new IP',
      sessions: [anOpenSession()],
      clients: [first(true), second(false)],
      steps: ['open t2'],
    },
    {
      when: 'both entries are blocked',
      sessions: [aSession()],
      clients: [first(false), second(false)],
      steps: ['open t1', 'open t2'],
    },
    {
      when: 'a spent device is open',
      sessions: [anOpenSession({ lots: spent })],
      clients: [first(true)],
      steps: ['close t1'],
    },
    {
      when: 'both entries of a spent device are open',
      sessions: [anOpenSession({ lots: spent })],
      clients: [first(true), second(true)],
      steps: ['close t1', 'close t2'],
    },
    { when: 'a spent device is shut', sessions: [anOpenSession({ lots: spent })], clients: [first(false)], steps: [] },
    {
      when: 'an operator ends a session',
      sessions: [anOpenSession({ ending: 'ended-by-command' as const })],
      clients: [first(true)],
      steps: ['close t1'],
    },
    {
      when: 'an operator paused a session',
      sessions: [anOpenSession({ paused: true })],
      clients: [first(true)],
      steps: ['close t1'],
    },
    { when: 'nobody paid', sessions: [], clients: [first(true), second(false)], steps: ['close t1'] },
    { when: 'nobody is there', sessions: [], clients: [], steps: [] },
  ])('plans $steps when $when', ({ sessions, clients, steps }) => {
    const plan = gatePlan(aBooks({ sessions }), aList(clients), 'close')

    expect(plan.map((step) => `${step.act} ${step.client?.token}`)).toEqual(steps)
  })

  test.each([
    { when: 'the policy is to report', unpaid: 'report' as const, trusted: [] },
    { when: 'the device is trusted', unpaid: 'close' as const, trusted: [aMac()] },
  ])('leaves an unpaid gate open when $when', ({ unpaid, trusted }) => {
    expect(gatePlan(aBooks(), aList([first(true)], { trusted }), unpaid)).toEqual([])
  })

  test.each([
    { sessions: [anOpenSession({ lots: spent })] },
    { sessions: [anOpenSession({ ending: 'ended-by-command' as const })] },
  ])('shuts a gate that was paid once, also when the policy is to report', ({ sessions }) => {
    expect(gatePlan(aBooks({ sessions }), aList([first(true)]), 'report')).toHaveLength(1)
  })

  test.each([
    { portal: { kind: 'opennds' as const, version: '10.3.1' }, steps: [{ act: 'open', mac: aMac() }] },
    { portal: { kind: 'opennds' as const, version: '11.0.0beta' }, steps: [{ act: 'open', mac: aMac() }] },
    { portal: { kind: 'opennds' as const, version: '9.10.0' }, steps: [] },
    { portal: { kind: 'opennds' as const }, steps: [] },
    { portal: { kind: 'nodogsplash' as const }, steps: [] },
  ])('asks $portal.kind $portal.version to open for a device it has not seen: $steps.length', ({ portal, steps }) => {
    expect(gatePlan(aBooks({ sessions: [aSession()] }), aList([], portal), 'close')).toEqual(steps)
  })

  test('says for how long time was bought, and nothing for bytes', () => {
    const sessions = [aSession({ lots: timed }), aSession({ mac: aMac(2), sessionId: 's2' })]
    const clients = [first(false), aClient({ mac: aMac(2), token: 't2', open: false })]

    const [time, bytes] = gatePlan(aBooks({ sessions }), aList(clients), 'close')

    expect(time).toMatchObject({ act: 'open', milliseconds: 4000 })
    expect(bytes).not.toHaveProperty('milliseconds')
  })
})

describe('a plan', () => {
  const stranger = aClient({ mac: aMac(7), token: 't7', ip: anIp(7) })
  const waits = aSession({ mac: aMac(3), sessionId: 's3' })
  const shutEntry = aClient({ mac: aMac(3), token: 't3', ip: anIp(3), open: false })
  const acts = (steps: ReturnType<typeof gatePlan>) => steps.map((step) => `${step.act} ${step.client?.token}`)

  test('shuts what is spent first, then who did not pay, and opens after that', () => {
    const sessions = [waits, anOpenSession({ lots: spent })]

    expect(acts(gatePlan(aBooks({ sessions }), aList([shutEntry, stranger, first(true)]), 'close'))).toEqual([
      'close t1',
      'close t7',
      'open t3',
    ])
  })

  test('does not let in who is to wait', () => {
    const plan = gatePlan(aBooks({ sessions: [waits] }), aList([shutEntry]), 'close', { mayOpen: () => false })

    expect(plan).toEqual([])
  })

  test.each([
    { portal: '10.3.1', isOnLan: true, trusted: [], steps: 1 },
    { portal: '10.3.1', isOnLan: false, trusted: [], steps: 0 },
    { portal: '10.3.1', isOnLan: true, trusted: [aMac(3)], steps: 0 },
  ])('asks openNDS 10 for an unseen device on the LAN: $isOnLan, trusted $trusted: $steps', (row) => {
    const list = aList([], { kind: 'opennds', version: row.portal })
    const context = { isOnLan: () => row.isOnLan, trusted: row.trusted }

    expect(gatePlan(aBooks({ sessions: [waits] }), list, 'close', context)).toHaveLength(row.steps)
  })

  describe('of two devices at one IP', () => {
    const older = (parts = {}) => aClient({ mac: aMac(1), token: 't1', ip: anIp(), ...parts })
    const newer = (parts = {}) => aClient({ mac: aMac(2), token: 't2', ip: anIp(), open: false, ...parts })
    const both = [anOpenSession(), aSession({ mac: aMac(2), sessionId: 's2' })]

    test('shuts the older gate, paid or not, before it opens the newer', () => {
      const held = older({ heldBy: { mac: aMac(2), open: false, isOnLan: true } })

      expect(acts(gatePlan(aBooks({ sessions: both }), aList([held, newer()]), 'close'))).toEqual(['close t1'])
      expect(acts(gatePlan(aBooks({ sessions: both }), aList([{ ...held, open: false }, newer()]), 'close'))).toEqual([
        'open t2',
      ])
    })

    test('leaves out a payer whose address another device has', () => {
      const held = newer({ heldBy: { mac: aMac(1), open: true, isOnLan: true } })

      expect(acts(gatePlan(aBooks({ sessions: both }), aList([older(), held]), 'close'))).toEqual([])
    })

    test('lets the payer in who met the page last, where the LAN tells of nobody', () => {
      const held = newer({ heldBy: { mac: aMac(1), open: true } })

      expect(acts(gatePlan(aBooks({ sessions: both }), aList([older(), held]), 'close'))).toEqual(['close t1'])
    })

    test('has the portal forget once what it shows at an older entry that is shut', () => {
      const seen = [older({ open: false, downloaded: 700 }), newer({ downloaded: 700, borrowed: true })]
      const books = aBooks({ sessions: both.slice(1) })

      expect(acts(gatePlan(books, aList(seen), 'close'))).toEqual(['clear t1'])
      expect(acts(gatePlan(books, aList(seen), 'close', { cleared: new Set(['t1']) }))).toEqual(['open t2'])
      const behind = gatePlan(books, aList(seen), 'close', { unclearable: new Set(['t1']) })
      expect(acts(behind)).toEqual(['clear t1', 'open t2'])
    })

    test.each([
      { kind: 'nodogsplash', version: '5.0.2', step: 'clear t1' },
      { kind: 'opennds', version: '9.10.0', step: 'open t1' },
      { kind: 'opennds', version: '10.3.1', step: 'clear t1' },
    ] as const)('plans $step at $kind $version where the payer itself is the older, and shows a count', (row) => {
      const list = aList([older({ open: false, downloaded: 700 }), newer()], row)

      expect(acts(gatePlan(aBooks({ sessions: [aSession()] }), list, 'close'))).toEqual([row.step])
    })

    test.each([
      { kind: 'nodogsplash', version: '5.0.2', steps: ['renew t1'] },
      { kind: 'opennds', version: '9.10.0', steps: [] },
      { kind: 'opennds', version: '10.3.1', steps: ['renew t1'] },
    ] as const)('plans $steps at $kind $version where a gate was left open before a count', ({ steps, ...portal }) => {
      const at = { token: 't1', ip: anIp(), downloaded: 0, uploaded: 0 }
      const session = anOpenSession({ baseline: [{ ...at, hiddenBelow: { downloaded: 700 } }] })
      const list = aList([older({ downloaded: 700 }), newer()], portal)

      expect(acts(gatePlan(aBooks({ sessions: [session] }), list, 'close'))).toEqual(steps)
    })

    test('shuts the other gate before the payer that comes back is cleared', () => {
      const back = older({ open: false, downloaded: 700 })
      const list = aList([back, newer({ open: true, heldBy: { mac: aMac(1), open: false, isOnLan: true } })])

      expect(acts(gatePlan(aBooks({ sessions: [aSession()] }), list, 'close'))).toEqual(['close t2', 'clear t1'])
    })
  })
})

describe('isDue', () => {
  const open = { act: 'open' as const, mac: aMac() }
  const close = { act: 'close' as const, mac: aMac(), client: first(true) }
  test.each([
    { when: 'an opening is still paid', step: open, sessions: [aSession()], due: true },
    { when: 'an opening is spent by now', step: open, sessions: [aSession({ lots: spent })], due: false },
    { when: 'an opening has no session any more', step: open, sessions: [], due: false },
    { when: 'a shutting is still unpaid', step: close, sessions: [aSession({ lots: spent })], due: true },
    { when: 'a shutting of a stranger', step: close, sessions: [], due: true },
    { when: 'a purchase came before the shutting', step: close, sessions: [aSession()], due: false },
  ])('is $due when $when', ({ step, sessions, due }) => {
    expect(isDue(aBooks({ sessions }), step)).toBe(due)
  })
})

describe('openAtOnce', () => {
  test.each([
    { who: 'has just paid, and is known', client: first(false), opened: ['t1'] },
    { who: 'is open', client: first(true), opened: [] },
    { who: 'shared its address till now', client: { ...first(false), isOutdated: true as const }, opened: [] },
  ])('opens $opened for a device that $who', ({ client, opened }) => {
    const steps = openAtOnce(aBooks({ sessions: [aSession()] }), aList([client]))

    expect(steps.map((step) => step.client?.token)).toEqual(opened)
  })
})
