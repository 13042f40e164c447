// Draws a script from a seed: short and dense mostly, days long and sparse now and then.
import { createDice, type Dice } from './dice.ts'
import { drawMischief } from './draw-mischief.ts'
import { type Action, macOf, type Script, type Settings } from './script.ts'

const minute = 60_000
const hour = 60 * minute

/** `dense`: a minute or two full of trouble; `long`: a quarter of an hour; `sparse`: days with trouble now and then. */
export type Length = 'dense' | 'long' | 'sparse'

export function drawScript(seed: number, length?: Length): Script {
  const dice = createDice(seed * 7919 + 17)
  const drawn = dice.roll()
  const isLong = (length ?? (drawn < 0.01 ? 'sparse' : 'dense')) === 'sparse'
  const isDense = length === 'dense' || (length === undefined && drawn > 0.1)
  const span = isDense ? dice.between(15_000, 75_000) : dice.between(3, 15) * minute
  const milliseconds = isLong ? dice.between(1, 7) * 24 * hour : span
  const devices = dice.between(1, isLong ? 4 : 6)
  const settings = drawSettings(dice, isLong)
  const density = isLong ? milliseconds / 120 : dice.between(500, isDense ? 5000 : 20_000)
  const actions: Action[] = []
  for (let device = 1; device <= devices; device++)
    actions.push(...drawCustomer(dice, device, milliseconds, isLong ? 4 * hour : isDense ? 20_000 : 90_000))
  if (dice.chance(0.04)) actions.push(...drawNoShows(dice, devices))
  let purchases = actions.filter((action) => action.do === 'purchase')
  for (let at = dice.between(0, density); at < milliseconds; at += dice.between(1, 2 * density)) {
    if (dice.chance(0.2)) actions.push(...drawMischief(dice, at, devices))
    else if (dice.chance(0.25)) actions.push({ at, ...drawAgain(dice, purchases, devices) })
    else actions.push({ at, ...drawFault(dice, devices, isLong ? 20 : 1) })
    purchases = purchases.length > 20 ? purchases.slice(-20) : purchases
  }
  actions.push(...drawFlood(seed, milliseconds, devices))
  const inOrder = actions.filter((action) => action.at < milliseconds).sort((a, b) => a.at - b.at)
  const most = Math.max(devices, ...inOrder.map((action) => ('device' in action ? action.device : 0)))
  return { seed, milliseconds, devices: most, settings, actions: inOrder }
}

/** Many who have paid and do not come. */
function drawNoShows(dice: Dice, devices: number): Action[] {
  return Array.from({ length: dice.between(5, 60) }, (_, index): Action[] => {
    const device = devices + 1 + index
    const at = dice.between(0, 5000)
    const message = { purchaseId: `n${device}`, mac: macOf(device), metric: 'bytes', allotment: 1e6 }
    return [
      { at, do: 'purchase', message },
      { at, do: 'leave', device },
    ]
  }).flat()
}

/** Junk purchases all at once; by dice of their own, so that the rest of a script is the same without them. */
function drawFlood(seed: number, milliseconds: number, devices: number): Action[] {
  const dice = createDice(seed * 104_729 + 5)
  if (!dice.chance(0.02)) return []
  const begins = dice.between(0, milliseconds)
  return Array.from({ length: dice.pick([40, 150, 400]) }, (_, index): Action => {
    const mac = macOf(dice.between(1, devices))
    const message = { purchaseId: `f${begins}-${index}`, mac, amount: 1, unit: 'shells' }
    return { at: begins + dice.between(0, 1000), do: 'purchase', message }
  })
}

function drawSettings(dice: Dice, isLong: boolean): Settings {
  const lookMilliseconds = isLong ? dice.pick([60_000, 120_000]) : dice.pick([3000, 10_000, 10_000, 20_000])
  return {
    flavour: dice.pick(['nodogsplash', 'nodogsplash', 'opennds', 'opennds-10'] as const),
    lookMilliseconds,
    nearMilliseconds: isLong ? lookMilliseconds / 2 : dice.pick([1000, 2000]),
    usageMilliseconds: isLong ? 10 * minute : dice.pick([10_000, 30_000]),
    checkpointMilliseconds: isLong ? 30 * minute : dice.pick([5000, 60_000]),
    latencyMilliseconds: dice.pick([10, 60, 300]),
    clockSynced: dice.chance(0.5),
    ...(dice.chance(0.2) && { realistic: true }),
    ...(dice.chance(0.1) && { hasNeighbours: false }),
    ...(dice.chance(0.7) && { journalFileBytes: dice.pick([1500, 5000, 20_000]) }),
    ...(dice.chance(0.5) && { isDamagedAtTheEnd: true }),
  }
}

type Done = Action extends infer A ? (A extends Action ? Omit<A, 'at'> : never) : never

function drawCustomer(dice: Dice, device: number, until: number, pause: number): Action[] {
  const actions: Action[] = []
  let at = dice.between(0, pause / 2)
  actions.push({ at, do: 'arrive', device })
  for (let visit = 0; at < until; visit++) {
    at += dice.between(1, 5000)
    if (dice.chance(0.85))
      actions.push({ at, do: 'purchase', message: drawPurchase(dice, device, `${device}-${visit}`) })
    const down = dice.pick([0, 1, 20, 300, 2000])
    actions.push({ at: at + dice.between(0, 3000), do: 'use', device, down, up: Math.ceil(down / 10) })
    at += dice.between(1, pause)
    if (dice.chance(0.1)) {
      actions.push({ at, do: 'leave', device })
      at += dice.between(1, pause)
      actions.push({ at, do: 'arrive', device })
    }
  }
  return actions.filter((action) => action.at < until)
}

function drawPurchase(dice: Dice, device: number, id: string): Record<string, unknown> {
  const mac = dice.chance(0.1) ? macOf(device).toUpperCase().replaceAll(':', '-') : macOf(device)
  const purchase = {
    purchaseId: `p${id}`,
    mac,
    ...(dice.chance(0.2) && { reference: `invoice-${id}` }),
    ...(dice.chance(0.05) && { startWithin: dice.between(1, 60) * 1000 }),
  }
  const kind = dice.roll()
  if (kind < 0.35) return { ...purchase, amount: dice.between(0, 4), unit: dice.chance(0.95) ? 'sat' : 'shells' }
  if (kind < 0.7) return { ...purchase, metric: 'bytes', allotment: dice.between(0, 60) * dice.pick([1, 999, 1e6]) }
  // An allotment that a backend sells as unlimited.
  if (kind < 0.71) return { ...purchase, metric: 'bytes', allotment: Number.MAX_SAFE_INTEGER }
  if (kind < 0.95) return { ...purchase, metric: 'milliseconds', allotment: dice.between(1, 300) * 1000 }
  return { ...purchase, metric: 'bytes', allotment: 5e6, notAfter: '2026-11-22T10:05:00.000Z' }
}

function drawAgain(dice: Dice, purchases: Action[], devices: number): Done {
  const known = purchases.length > 0 ? dice.pick(purchases) : undefined
  const message = known?.do === 'purchase' && typeof known.message === 'object' ? known.message : { purchaseId: 'x' }
  const kind = dice.roll()
  if (kind < 0.5) return { do: 'purchase', message }
  if (kind < 0.65) return { do: 'purchase', message: { ...message, reference: 'another' } }
  if (kind < 0.75) return { do: 'purchase', message: dice.pick(['{', '[]', '"x"', '{"purchaseId":"a b"}', 'null']) }
  const mac = macOf(dice.between(1, devices))
  const transaction = `t${dice.between(1, 1e6)}`
  const command = dice.pick(commands)
  const about = command === 'session.move' ? { from: mac, to: macOf(dice.between(1, devices)) } : { mac }
  return { do: 'command', message: { transaction, command, ...about } }
}

function drawFault(dice: Dice, devices: number, stretch: number): Done {
  const device = dice.between(1, devices)
  const forMilliseconds = Math.round(dice.between(1, 20_000) * stretch)
  const kinds: (() => Done)[] = [
    () => ({
      do: 'kill',
      call: dice.between(1, 40),
      phase: dice.pick(phases),
      downMilliseconds: dice.between(1, 20_000),
    }),
    () => ({ do: 'kill', call: dice.between(1, 6), phase: dice.pick(phases), downMilliseconds: dice.between(1, 2000) }),
    () => ({ do: 'stop', downMilliseconds: dice.between(1, 20_000) }),
    () => ({ do: 'reboot', offMilliseconds: dice.between(5000, 60_000) }),
    () => ({ do: 'set-clock', byMilliseconds: 2 * 365 * 24 * hour, by: 'ntp' }),
    () => ({ do: 'set-clock', byMilliseconds: dice.pick([-10 * minute, 1000]), by: 'hand' }),
    () => ({
      do: 'disk',
      fault: dice.pick(['full', 'read-only', 'slow', 'hang', 'sync-lost', 'sync-kept']),
      forMilliseconds,
    }),
    () => ({ do: 'portal', fault: dice.pick(portalFaults), forMilliseconds }),
    () => ({ do: 'portal', fault: dice.pick(portalFaults), forMilliseconds }),
    () => ({ do: 'restart-portal' }),
    () => ({ do: dice.pick(['kick', 'new-ip', 'splash'] as const), device }),
    () => ({ do: 'broker', fault: dice.chance(0.8) ? 'away' : 'deaf', forMilliseconds }),
    () => ({ do: 'drop', packet: dice.between(1, 12), phase: dice.pick(['before', 'after'] as const) }),
    () => ({ do: 'drop', packet: dice.between(1, 4), phase: dice.pick(['before', 'after'] as const) }),
    () => ({ do: 'redeliver', how: dice.pick(['shuffled', 'twice'] as const) }),
  ]
  return dice.pick(kinds)()
}

const commands = ['session.end', 'session.pause', 'session.resume', 'session.move', 'sessions', 'usage']
const phases = ['before', 'during', 'after'] as const
const portalFaults = [
  ...(['hang', 'busy', 'garbage', 'not-a-number', 'refuse-auth', 'refuse-deauth', 'status-fails', 'stopped'] as const),
]
