// Scripts written by hand: one story each, with what a router meets sooner or later.
import { isWhole } from '../support/share.ts'
import { type Action, macOf, type Script, type Settings } from './script.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

export const usualSettings: Settings = {
  flavour: 'nodogsplash',
  lookMilliseconds: 10_000,
  nearMilliseconds: 2000,
  usageMilliseconds: 10_000,
  checkpointMilliseconds: 60_000,
  latencyMilliseconds: 60,
  clockSynced: true,
}

export function aScript(milliseconds: number, actions: Action[], parts: Partial<Settings> = {}): Script {
  const devices = Math.max(1, ...actions.map((action) => ('device' in action ? action.device : 0)))
  const inOrder = [...actions].sort((a, b) => a.at - b.at)
  return { seed: 1, milliseconds, devices, settings: { ...usualSettings, ...parts }, actions: inOrder }
}

export function buys(at: number, device: number, metric: 'bytes' | 'milliseconds', allotment: number): Action {
  return { at, do: 'purchase', message: { purchaseId: `p${device}-${at}`, mac: macOf(device), metric, allotment } }
}

/** A device comes, buys and uses what it bought. */
export function aCustomer(device: number, from: number, allotment: number, down = 100): Action[] {
  return [
    { at: from, do: 'arrive', device },
    buys(from + 500, device, 'bytes', allotment),
    { at: from + second, do: 'use', device, down, up: 1 },
  ]
}

/** The life of one purchase from its arrival to the shut gate, with a top-up on the way. */
export const aPurchaseAndItsTopUp: Action[] = [
  ...aCustomer(1, 200, 1_500_000, 500),
  buys(2500, 1, 'bytes', 600_000),
  buys(4500, 1, 'milliseconds', 2000),
]

export function killedAt(call: number, phase: 'before' | 'during' | 'after'): Script {
  const kill: Action = { at: 1, do: 'kill', call, phase, downMilliseconds: 700 }
  const often = { lookMilliseconds: 2000, nearMilliseconds: 1000, checkpointMilliseconds: 2000 }
  return aScript(10 * second, [kill, ...aPurchaseAndItsTopUp], { ...often, usageMilliseconds: 5000 })
}

/** Fifty customers who come in the first minute, and nobody to tell about them for days. */
function withoutBroker(days: number): Script {
  const actions: Action[] = [{ at: 2 * minute, do: 'broker', fault: 'away', forMilliseconds: days * day }]
  for (let device = 1; device <= 50; device++) {
    const from = device * second
    actions.push({ at: from, do: 'arrive', device })
    actions.push(buys(from + 500, device, 'bytes', device * 40_000_000))
    actions.push({ at: from + second, do: 'use', device, down: 1, up: 1 })
  }
  const slow = { lookMilliseconds: hour, nearMilliseconds: hour, usageMilliseconds: hour }
  return aScript(days * day + 10 * minute, actions, { ...slow, checkpointMilliseconds: hour })
}

const longCustomers = [...aCustomer(1, second, 40_000_000), ...aCustomer(2, 2 * second, 500_000_000, 3000)]
const timed = [{ at: second, do: 'arrive' as const, device: 3 }, buys(2 * second, 3, 'milliseconds', 9 * minute)]
const atWork = [...longCustomers, ...timed]

// `npm run crash` plays the whole week.
const days = isWhole ? 7 : 2

export const stories: { it: string; script: Script }[] = [
  {
    it: `tells ${days} days of fifty sessions in order when the broker is back, and gates were right throughout`,
    script: withoutBroker(days),
  },
  {
    it: 'charges nobody for the two years that NTP adds, or for the ten minutes that somebody takes away',
    script: aScript(
      15 * minute,
      [
        ...atWork,
        { at: minute, do: 'set-clock', byMilliseconds: 2 * 365 * day, by: 'ntp' },
        { at: 4 * minute, do: 'set-clock', byMilliseconds: -10 * minute, by: 'hand' },
      ],
      { clockSynced: false },
    ),
  },
  {
    it: 'gives everybody back what they paid for after the power failed',
    script: aScript(12 * minute, [...atWork, { at: 2 * minute, do: 'reboot', offMilliseconds: 40_000 }]),
  },
  {
    it: 'opens and shuts gates through half an hour with a full disk, and sells again afterwards',
    script: aScript(45 * minute, [
      ...atWork,
      { at: 3 * minute, do: 'disk', fault: 'full', forMilliseconds: 30 * minute },
      buys(20 * minute, 2, 'bytes', 1_000_000),
      { at: 21 * minute, do: 'kick', device: 2 },
    ]),
  },
  {
    it: 'looks again as soon as a portal that hung for ten minutes answers',
    script: aScript(20 * minute, [
      ...atWork,
      { at: 3 * minute, do: 'portal', fault: 'hang', forMilliseconds: 10 * minute },
    ]),
  },
  {
    it: 'charges nobody while the portal is down and everybody is on line',
    script: aScript(20 * minute, [
      ...atWork,
      { at: 3 * minute, do: 'portal', fault: 'stopped', forMilliseconds: 5 * minute },
    ]),
  },
]
