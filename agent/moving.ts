// Moving: takes the steps of a plan that are still due, ends first, once their points to measure from are on disk.
import type { Mac } from '../protocol/index.ts'
import { createGateMoves, type Parts } from './gate-moves.ts'
import { isDue, type Step } from './lookout/gate-plan.ts'
import type { Sight } from './lookout/sight.ts'
import { firstEndIn } from './lookout/when-to-look.ts'
import { lacksBaseline, opening } from './merchant/metering.ts'
import type { Neighbour } from './portal/neighbour.ts'
import type { PortalClient, PortalList } from './portal/portal-client.ts'
import { storeMetering } from './settling.ts'
import { nowOf } from './time/clock.ts'
import { PortalFault } from './valve/portal-fault.ts'

/**
 * Takes the steps that are still due, ends first, and stops opening when a session is about to end: the steps that it took.
 * Whether a gate moved only the next look tells.
 */
export function createMoving(parts: Parts): (steps: readonly Step[], list: PortalList) => Promise<Step[]> {
  const { clock, journal, at, log } = parts
  const moveGate = createGateMoves(parts)

  return async (steps, list) => {
    await prepare(steps, list, parts)
    const taken: Step[] = []
    // IPs at which a gate is open that was to be shut before another one opens there.
    const stillOpen = new Set<string>()
    for (const step of steps) {
      const isEnding = firstEndIn(journal.books, nowOf(clock), at.sight.seen) <= at.sight.seen.latencyMilliseconds
      if (step.act === 'open' && isEnding) break
      taken.push(step)
      // A purchase may have come since the plan was made.
      if (!isDue(journal.books, step)) continue
      try {
        const ip = step.client?.ip ?? ''
        if (stillOpen.has(ip)) await prepare([step], list, parts, true)
        if (!(await moveGate(step))) stillOpen.add(ip)
      } catch (err) {
        if (!(err instanceof PortalFault)) throw err
        log.warn({ err, act: step.act, mac: step.mac }, 'the portal did not take a step, trying again')
        if (err.code === 'portal-down') return taken
      }
    }
    return taken
  }
}

/** The points to measure from are on disk before a gate opens: an agent that dies in between goes on from them. */
async function prepare(
  steps: readonly Step[],
  { clients }: PortalList,
  { journal, recorder, guarding, at }: Parts,
  isAgain = false,
): Promise<void> {
  const { sessions: all } = journal.books
  // A clearing opens a gate too; a session that is open elsewhere goes on from where it is.
  const isOpening = ({ act, mac }: Step) => act === 'open' || (act === 'clear' && all.get(mac)?.meter.seenOpen === null)
  // A gate that is cleared opens when those in its way are shut.
  const shut = new Set(steps.flatMap((step) => (step.act === 'close' ? [step.client.token] : [])))
  const known = at.sight.remembered?.clients.filter(({ token }) => !shut.has(token))
  const macs = new Set(steps.filter(isOpening).map(({ mac }) => mac))
  await recorder.inTurn(async (turn) => {
    const sessions = [...macs].flatMap((mac) => journal.books.sessions.get(mac) ?? [])
    const unprepared = sessions.filter((session) => isAgain || lacksBaseline(session, clients))
    const { table, lastTable } = guarding
    const opened = unprepared.map((session) => opening(session, clients, known, lastTable, table !== undefined))
    await storeMetering(journal, turn, opened)
  })
  // The kernel counts from the first packet on.
  const addresses = steps.filter(isOpening).flatMap(({ mac, client }) => addressesOf(mac, client, at.sight))
  if (addresses.length > 0) await guarding.follow(addresses)
}

// A device that the portal has not seen is where the LAN knows it.
function addressesOf(mac: Mac, client: PortalClient | undefined, { neighbours = [] }: Sight): Neighbour[] {
  return client ? [{ ip: client.ip, mac }] : neighbours.filter((neighbour) => neighbour.mac === mac)
}
