// Draws what real customers do to a portal, by accident or not: log out, share and hand over an IP, change MACs, write into
// the portal's answers, walk away.
import type { Dice } from './dice.ts'
import { type Action, macOf } from './script.ts'

/** Some of it, from that moment on. */
export function drawMischief(dice: Dice, at: number, devices: number): Action[] {
  const device = dice.between(1, devices)
  const other = 1 + (device % devices)
  return dice.pick(kinds)({ dice, at, device, other, devices })
}

interface Drawn {
  dice: Dice
  at: number
  device: number
  other: number
  devices: number
}

const logsOut = ({ at, device }: Drawn): Action[] => [{ at, do: 'deny', device }]

/** Somebody found out that what passed since the last reading costs nothing. */
function logsOutAgainAndAgain({ dice, at, device }: Drawn): Action[] {
  const rhythm = dice.between(1000, 9000)
  const times = dice.between(3, 14)
  const down = dice.pick([300, 2000])
  return [
    { at, do: 'use', device, down, up: Math.ceil(down / 10) },
    ...Array.from({ length: times }, (_, index): Action => ({ at: at + (index + 1) * rhythm, do: 'deny', device })),
  ]
}

/** One leaves, and the other gets its IP. */
function handsItsIpOver({ dice, at, device, other }: Drawn): Action[] {
  const gap = dice.between(100, 5000)
  return [
    { at, do: 'leave', device },
    { at: at + gap, do: 'take-ip', device: other, from: device },
    { at: at + gap, do: 'arrive', device: other },
  ]
}

/** One machine with two MACs at one IP, now this one and now that one. */
function changesItsMac(drawn: Drawn): Action[] {
  const { dice, at, device, other } = drawn
  const actions: Action[] = []
  let from = at
  for (let turn = 0; turn < dice.between(1, 4); turn++) {
    const [old, young] = turn % 2 === 0 ? [device, other] : [other, device]
    actions.push(...handsItsIpOver({ ...drawn, at: from, device: old, other: young }))
    from += dice.between(2000, 15_000)
  }
  return actions
}

/** Two devices change places, one after the other. */
function swapIps({ dice, at, device, other }: Drawn): Action[] {
  const later = at + dice.between(100, 3000)
  return [
    { at, do: 'leave', device },
    { at, do: 'leave', device: other },
    { at: later, do: 'swap-ips', device, with: other },
    { at: later, do: 'arrive', device },
    { at: later + dice.between(0, 3000), do: 'arrive', device: other },
  ]
}

const isRenewed = ({ at, device }: Drawn): Action[] => [{ at, do: 'renew', device }]

const walkAway = ({ dice, at }: Drawn): Action[] => [{ at, do: 'passers-by', count: dice.between(1, 40) }]

/** Logs in by the page with a text that reads on as the portal's own words. */
function writesIntoTheAnswer({ dice, at, device, other }: Drawn): Action[] {
  const victim = macOf(other)
  const custom = dice.pick([
    'x",\n"state":"Preauthenticated",\n"y":"z',
    `x",\n"mac":"${victim}",\n"y":"z`,
    'one line\nand another',
    `"},\n"${victim}":{"mac":"${victim}","ip":"192.168.66.99","token":"0badcafe","state":"Authenticated","custom":"`,
    'a "quoted" text\twith a tab',
  ])
  return [{ at, do: 'splash', device, custom }]
}

/** Everybody comes and buys at the same moment. */
function rush({ dice, at, devices }: Drawn): Action[] {
  return Array.from({ length: devices }, (_, index): Action[] => {
    const device = index + 1
    const purchaseId = `r${device}-${at}`
    const message = { purchaseId, mac: macOf(device), metric: 'bytes', allotment: dice.between(1, 9) * 1e6 }
    return [
      { at, do: 'arrive', device },
      { at, do: 'purchase', message },
    ]
  }).flat()
}

/** Sleeps, and is back after minutes. */
function staysAway({ dice, at, device }: Drawn): Action[] {
  return [
    { at, do: 'leave', device },
    { at: at + dice.between(30_000, 400_000), do: 'arrive', device },
  ]
}

const kinds = [
  ...[logsOut, logsOut, logsOutAgainAndAgain, handsItsIpOver, changesItsMac, swapIps, isRenewed],
  ...[walkAway, writesIntoTheAnswer, staysAway, rush],
]
