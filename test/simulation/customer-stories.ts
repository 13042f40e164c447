// Stories of what customers did to real portals: each once cost somebody money, at the portals that are named.
import type { Flavour } from '../../broker-dev/portal/world.ts'
import { aCustomer, aScript, buys } from './scenarios.ts'
import { type Action, macOf, type Script } from './script.ts'

const second = 1000
const minute = 60 * second

const nodogsplash = ['nodogsplash'] as const
const opennds = ['opennds', 'opennds-10'] as const
const all = [...nodogsplash, ...opennds] as const

/** Logs out at the portal page again and again. */
function logsOut(device: number, from: number, times: number, every: number): Action[] {
  return Array.from({ length: times }, (_, index): Action => ({ at: from + index * every, do: 'deny', device }))
}

/** A stranger logs in by the page, unpaid, with a text of its own, and uses what it can. */
function writes(custom: string): Action[] {
  return [
    ...aCustomer(2, 200, 20_000_000, 20),
    { at: 3 * second, do: 'arrive', device: 1 },
    { at: 9 * second, do: 'splash', device: 1, custom },
    { at: 9100, do: 'use', device: 1, down: 2000, up: 200 },
  ]
}

/** Device 2 gets the IP of device 1, which has left, and buys. */
function handedOver(first: Action[]): Action[] {
  return [
    ...first,
    { at: 20 * second, do: 'leave', device: 1 },
    { at: 25 * second, do: 'take-ip', device: 2, from: 1 },
    { at: 25 * second, do: 'arrive', device: 2 },
    buys(26 * second, 2, 'bytes', 5_000_000),
    { at: 27 * second, do: 'use', device: 2, down: 1000, up: 100 },
  ]
}

const noShows = Array.from({ length: 60 }, (_, index): Action[] => [
  { at: second, do: 'leave', device: index + 3 },
  buys(second + index, index + 3, 'bytes', 1_000_000),
]).flat()

const crowd = Array.from({ length: 12 }, (_, index): Action[] => [
  { at: 2 * second, do: 'arrive', device: index + 2 },
  buys(14_300, index + 2, 'bytes', 1_000_000),
]).flat()

const told: { it: string; at: readonly Flavour[]; minutes: number; actions: Action[] }[] = [
  {
    it: 'serves and cuts a payer while strangers meet the page and walk away',
    at: opennds,
    minutes: 3,
    actions: [
      ...aCustomer(1, 200, 20_000_000, 2000),
      { at: 3 * second, do: 'passers-by', count: 8 },
      { at: 8 * second, do: 'arrive', device: 2 },
      buys(30 * second, 2, 'bytes', 5_000_000),
    ],
  },
  ...['x",\n"state":"Preauthenticated",\n"y":"z', `x",\n"mac":"${macOf(2)}",\n"y":"z`, 'one line\nand another'].map(
    (custom, form) => ({
      it: `believes nothing that a customer writes into the list, form ${form + 1}`,
      at: opennds,
      minutes: 2,
      actions: writes(custom),
    }),
  ),
  {
    it: 'charges or states what a customer moves who logs out every three seconds',
    at: all,
    minutes: 2,
    actions: [...aCustomer(1, 200, 2_000_000_000, 2000), ...logsOut(1, 8 * second, 30, 3 * second)],
  },
  {
    it: 'charges time to a customer who logs out every eight seconds',
    at: all,
    minutes: 5,
    actions: [
      { at: 200, do: 'arrive', device: 1 },
      buys(500, 1, 'milliseconds', 200 * second),
      { at: 600, do: 'use', device: 1, down: 20, up: 2 },
      ...logsOut(1, 13 * second, 35, 8 * second),
    ],
  },
  {
    it: "charges each of two payers for its own when one gets the other's IP",
    at: all,
    minutes: 2,
    actions: handedOver(aCustomer(1, 200, 50_000_000, 100)),
  },
  {
    it: 'meters a payer whose IP an older entry has that never paid',
    at: all,
    minutes: 2,
    actions: handedOver([{ at: 200, do: 'arrive', device: 1 }]),
  },
  {
    it: 'cuts a download on time while sixty who have paid do not come',
    at: opennds,
    minutes: 2,
    actions: [...noShows, ...aCustomer(1, 20 * second, 60_000_000, 2000)],
  },
  {
    it: 'cuts a download on time while twelve buy at that moment',
    at: all,
    minutes: 2,
    actions: [...aCustomer(1, 200, 30_000_000, 2000), ...crowd],
  },
  {
    it: 'cuts a device on time that comes back after minutes',
    at: all,
    minutes: 5,
    actions: [
      ...aCustomer(1, 200, 3_000_000, 20),
      { at: 30 * second, do: 'leave', device: 1 },
      { at: 31 * second, do: 'use', device: 1, down: 2000, up: 100 },
      { at: 200 * second, do: 'arrive', device: 1 },
    ],
  },
  {
    it: 'lets a payer at .100 in again when somebody shuts and opens .10 by hand',
    at: ['opennds'],
    minutes: 3,
    actions: [
      ...aCustomer(1, 200, 20_000_000, 10),
      { at: 1500, do: 'arrive', device: 2 },
      buys(2 * second, 2, 'milliseconds', 120 * second),
      { at: 2100, do: 'use', device: 2, down: 10, up: 1 },
      { at: 30 * second, do: 'renew', device: 1 },
    ],
  },
  {
    it: 'charges nobody for what it used before it bought',
    at: all,
    minutes: 2,
    actions: [
      { at: 200, do: 'arrive', device: 1 },
      { at: 20 * second, do: 'portal', fault: 'busy', forMilliseconds: 50 * second },
      { at: 25 * second, do: 'splash', device: 1 },
      { at: 25 * second, do: 'use', device: 1, down: 1000, up: 100 },
      buys(65 * second, 1, 'bytes', 60_000_000),
      { at: 65_001, do: 'use', device: 1, down: 0, up: 0 },
    ],
  },
  {
    it: 'charges what passes under another token from its beginning',
    at: all,
    minutes: 2,
    actions: [
      ...aCustomer(1, 200, 300_000_000, 2000),
      { at: 38 * second, do: 'renew', device: 1 },
      { at: 66 * second, do: 'renew', device: 1 },
    ],
  },
  {
    it: 'sells on after a grant of all that a number can say',
    at: nodogsplash,
    minutes: 2,
    actions: [
      ...aCustomer(1, 200, Number.MAX_SAFE_INTEGER),
      { at: 9 * second, do: 'command', message: { transaction: 't1', command: 'session.end', mac: macOf(1) } },
      ...aCustomer(2, 20 * second, 5_000_000),
    ],
  },
]

/** Each at every portal that it happened at, in the times of the real ones. */
export const customerStories: { it: string; script: Script }[] = told.flatMap(({ it, at, minutes, actions }) =>
  at.map((flavour) => ({
    it: `${it}, at ${flavour}`,
    script: aScript(minutes * minute, actions, { flavour, realistic: true }),
  })),
)
