// Proves that the plan opens what is paid, shuts what is not, counts every entry of a device and spares the trusted.
import { describe, expect, test } from 'vitest'
import { gatePlan, isDue } from '../../../agent/merchant/gate-plan.ts'
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
