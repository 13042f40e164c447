// The promises that a router's story must keep, whenever its agent died.
import { liveOf, ofType, type Voice } from './ear.ts'
import { allotment, type Life, purchaseIds, sold } from './story.ts'

// Nobody who has paid stays shut out for longer, once an agent runs again: a process of its own on a busy machine.
const longestShutOut = 5000

// The portal rounds what it tells down, twice.
const rounding = 2000

/** Everything that is wrong; empty when every promise was kept. */
export function wrongIn(life: Life): string[] {
  const { voice, passed, passedUnread, passedUnwatched, keptOutMilliseconds, isOpenAtTheEnd } = life
  const stated = ofType(voice, 'session.ended').reduce(
    (sum, event) => sum + (event.overshootBytes ?? 0) + (event.unreadBytes ?? 0),
    0,
  )
  const given = passed - sold
  const mostUnstated = diedOverAShutGate(life) ? passedUnwatched : passedUnread + rounding
  return [
    ...wrongNumbers(voice),
    ...wrongSales(voice),
    ...wrongEnd(voice),
    ...wrongBooks(voice),
    ...(isOpenAtTheEnd ? ['the gate is open at the end'] : []),
    ...(keptOutMilliseconds > longestShutOut ? [`paid and shut out for ${keptOutMilliseconds} ms`] : []),
    ...(given < 0 ? [`the customer got ${-given} bytes less than bought`] : []),
    ...(given - stated > mostUnstated ? [`${given} bytes given away, ${stated} of them stated`] : []),
  ]
}

// A portal that has shut a gate has forgotten its counters: what no checkpoint has is lost with the agent.
function diedOverAShutGate({ runs }: Life): boolean {
  return runs.some((run) => run.died && run.points.some((point) => point.endsWith('ndsctl deauth')))
}

/** One epoch, numbers without a hole, and none of them given twice. */
export function wrongNumbers({ events, contradictions }: Voice): string[] {
  const epochs = new Set(events.map((event) => event.epoch))
  const numbers = events.map((event) => event.seq ?? 0).sort((a, b) => a - b)
  const isWhole = numbers.every((number, index) => number === index + 1)
  return [
    ...contradictions.map((both) => `one number for two events: ${both}`),
    ...(epochs.size === 1 ? [] : [`there are ${epochs.size} epochs`]),
    ...(isWhole ? [] : [`the numbers have holes: ${numbers}`]),
  ]
}

function wrongSales(voice: Voice): string[] {
  const accepted = ofType(voice, 'purchase.accepted')
  const ids = accepted.map((event) => event.purchaseId)
  const again = voice.answers.filter((answer) => answer.type === 'purchase.accepted')
  const isTheFirst = (answer: (typeof again)[number]) =>
    accepted.some((event) => event.seq === answer.ofSeq && event.purchaseId === answer.purchaseId)
  return [
    ...(ids.join() === purchaseIds.join() ? [] : [`accepted were ${ids}`]),
    ...(accepted.every((event) => event.allotment === allotment) ? [] : ['other allotments than bought']),
    ...(again.every((answer) => answer.duplicate && isTheFirst(answer)) ? [] : ['another answer the second time']),
    ...ofType(voice, 'purchase.rejected').map((event) => `rejected: ${event.code}`),
  ]
}

function wrongEnd(voice: Voice): string[] {
  const ends = ofType(voice, 'session.ended')
  const starts = ofType(voice, 'session.started')
  const lots = ends.flatMap((event) => event.purchases)
  const isUsedUp = lots.every((lot) => lot.used === allotment && lot.unused === 0)
  const isWhole = lots.map((lot) => lot.purchaseId).join() === purchaseIds.join()
  const unpaid = ofType(voice, 'gate.drift').filter((event) => event.kind === 'open-but-unpaid')
  return [
    ...(starts.length === 1 && ends.length === 1 ? [] : [`${starts.length} starts and ${ends.length} ends`]),
    ...(isUsedUp && isWhole ? [] : [`at the end: ${JSON.stringify(lots)}`]),
    ...(ends.every((event) => event.reason === 'allotment-used') ? [] : ['ended for another reason']),
    ...unpaid.map(() => 'a gate was open and unpaid'),
  ]
}

function wrongBooks(voice: Voice): string[] {
  const statuses = liveOf(voice)
  const last = statuses.at(-1)?.conservation.bytes
  const differences = statuses.filter((status) => status.conservation.bytes.difference !== 0)
  return [
    ...differences.map((status) => `the books differ by ${status.conservation.bytes.difference}`),
    ...(last?.sold === sold && last.used === sold ? [] : [`the last books: ${JSON.stringify(last)}`]),
    ...statuses.flatMap((status) => status.warnings),
  ]
}
