// Asking: gets an answer out of the portal, by its whole list or device by device, and finds out which devices are trusted.
import type { LiveStatus } from '../protocol/index.ts'
import type { Journal } from './journal/journal.ts'
import type { Log } from './log.ts'
import { everybody } from './lookout/asked.ts'
import { isStrange } from './lookout/gate-plan.ts'
import { afterListFault } from './lookout/seen.ts'
import type { Sight } from './lookout/sight.ts'
import { firstEndIn } from './lookout/when-to-look.ts'
import type { Asked, PortalList, Question } from './portal/portal-client.ts'
import { type Clock, nowOf } from './time/clock.ts'
import { PortalFault } from './valve/portal-fault.ts'
import type { Valve } from './valve/valve.ts'

export interface Asking {
  /** The answer, and the question that it answers: where the whole list cannot be read, one about the devices that matter. */
  ask(question: Question): Promise<{ list: PortalList; question: Question }>
  /** The portal's kind and version after an answer; asks for the version where it is not known. */
  describe(list: PortalList): Promise<LiveStatus['portal']>
}

interface Parts {
  clock: Clock
  journal: Journal
  valve: Valve
  /** The sight now; a list that cannot be read is noted in it. */
  at: { sight: Sight }
  log: Log
}

const trustedInterval = 60_000

export function createAsking({ clock, journal, valve, at, log }: Parts): Asking {
  let trustedAskedAt = Number.NEGATIVE_INFINITY

  async function ask(question: Question): Promise<{ list: PortalList; question: Question }> {
    const { seen, remembered } = at.sight
    const isOneCall = seen.kind === 'nodogsplash' && seen.listFailures === 0
    if (question !== 'all' && !isOneCall) return askSome(question)
    try {
      return { list: await valve.look('all'), question: 'all' }
    } catch (err) {
      if (!isAboutTheList(err) || remembered === undefined) throw err
      log.warn({ err }, 'the list of the portal cannot be read: its devices are asked for one by one')
      // At openNDS each question takes its time: their turns come with the next looks, if the portal answers at all.
      const instead = remembered.kind === 'opennds' ? [] : everybody(journal.books, remembered)
      if (instead.length === 0) await valve.ping()
      const list = await valve.look(instead)
      // A portal that answers nothing at all has no fault of its list.
      at.sight = { ...at.sight, seen: afterListFault(at.sight.seen, nowOf(clock)) }
      return { list, question: instead }
    }
  }

  async function askSome(question: readonly Asked[]): Promise<{ list: PortalList; question: Question }> {
    if (question.length === 0) await valve.ping()
    try {
      return { list: await valve.look(question), question }
    } catch (err) {
      // The list is printed in another way, and may be readable where single answers are not.
      const isUnreadable = err instanceof PortalFault && err.code === 'portal-garbled'
      if (!isUnreadable || at.sight.seen.listFailures > 0) throw err
      return { list: await valve.look('all'), question: 'all' }
    }
  }

  // nodogsplash lists trusted devices only in `ndsctl status`: ask before calling an open gate unpaid. Without an answer
  // nobody is called unpaid, and metering goes on.
  async function withTrusted(list: PortalList): Promise<PortalList> {
    const { books } = journal
    const now = clock.monotonic()
    // A trusted device that has paid is not let in, nor listed: why it waits is asked now and then.
    const somebodyWaits = [...books.sessions.values()].some((session) => session.meter.waitingFor !== undefined)
    const isUrgent = firstEndIn(books, nowOf(clock), at.sight.seen) <= 2 * at.sight.seen.latencyMilliseconds
    const isTime = somebodyWaits && !isUrgent && now - trustedAskedAt >= trustedInterval
    const isWanted = isTime || list.clients.some((client) => isStrange(books, client))
    if (list.trusted || list.kind !== 'nodogsplash' || !isWanted) return list
    trustedAskedAt = now
    const trusted = await valve.status().then(
      (status) => status.trusted,
      (err) => {
        if (!(err instanceof PortalFault)) throw err
        log.warn({ err }, 'the portal does not say which devices are trusted: nobody is shut as unpaid')
        return undefined
      },
    )
    return trusted ? { ...list, trusted } : list
  }

  return {
    async ask(question) {
      const answer = await ask(question)
      return { ...answer, list: await withTrusted(answer.list) }
    },
    async describe(list) {
      const { portal } = at.sight
      const isNew = portal.state !== 'reachable' || portal.kind !== list.kind
      const known = portal.kind === list.kind ? portal.version : null
      // openNDS tells its version with its clients, and 9.10 may end itself over its status: while it lists nobody it is asked
      // only when somebody waits, since 10 opens for a device that it has not seen.
      const isNeeded = list.kind === 'nodogsplash' ? isNew : known === null && journal.books.sessions.size > 0
      const asked = list.version === undefined && isNeeded ? await valve.status().catch(() => undefined) : undefined
      return { kind: list.kind, version: list.version ?? asked?.version ?? known, state: 'reachable' }
    },
  }
}

// Only the whole list failed; a daemon that is not there, or a program that is missing, answers no other question either.
function isAboutTheList(err: unknown): err is PortalFault {
  return err instanceof PortalFault && (silences.has(err.code) || err.code === 'ndsctl-failed')
}

/** Codes of a portal that gave no answer, or none that can be read: it may be slow, or busy with another caller. */
export const silences: ReadonlySet<string> = new Set(['portal-silent', 'portal-busy', 'portal-garbled'])
