// Puts faults into a fleet, one of a kind at a time on each router, and undoes them when their time is over or at a second press.
import type { Clock } from '../../agent/time/clock.ts'
import type { Event, Status } from '../../protocol/index.ts'
import { type Done, doings, type FaultyBroker, type FaultyRouter, openAt } from './doings.ts'
import { addFault, type FaultLog, healFault, seeEvent, seeStatus } from './fault-log.ts'
import { type Fault, faults, type Impossible, type InjectAnswer } from './faults.ts'
import { createGateWatch } from './gate-watch.ts'
import { createLogBook } from './log-book.ts'

export interface Injector {
  /** Does it, undoes it if it is there already, or says why neither can be done now. */
  inject(id: string, routerId: string): Promise<InjectAnswer>
  /** Undoes all that is there: nobody's books can be checked before. */
  healAll(): Promise<void>
  /** All that was injected, with what the agents said about it. */
  log(): FaultLog
  sawEvent(event: Event): void
  sawStatus(status: Status): void
}

export interface InjectorOptions {
  routers: readonly FaultyRouter[]
  broker: FaultyBroker
  /** The fleet's own: faults heal in its time. */
  clock: Pick<Clock, 'wall' | 'sleep'>
}

interface Present {
  number: number
  heal: NonNullable<Done['heal']>
  over: AbortController
}

export function createInjector({ routers, broker, clock }: InjectorOptions): Injector {
  const present = new Map<string, Present | 'under way'>()
  const working = new Set<Promise<unknown>>()
  const book = createLogBook()
  const watchGates = createGateWatch(book, clock)
  let last = 0

  async function inject(id: string, routerId: string): Promise<InjectAnswer> {
    const fault = faults.find((one) => one.id === id)
    if (!fault) return impossible('unknown-fault', `there is no fault ${id}`)
    const router = routers.find((one) => one.routerId === routerId)
    if (!router) return impossible('unknown-router', `there is no router ${routerId}`)
    const place = placeOf(fault, routerId)
    const there = present.get(place)
    if (there === 'under way') return impossible('under-way', `to ${fault.name} at ${routerId} is under way`)
    return worked(there ? heal(place, there) : begin(fault, router, place))
  }

  function worked<T>(work: Promise<T>): Promise<T> {
    working.add(work)
    return work.finally(() => working.delete(work))
  }

  async function begin(fault: Fault, router: FaultyRouter, place: string): Promise<InjectAnswer> {
    present.set(place, 'under way')
    book.hold()
    try {
      const at = clock.wall()
      const online = openAt(router)
      const done = await doings[fault.id](router, broker)
      if ('outcome' in done) return done
      const { id, name, target, healsAfterMilliseconds } = fault
      const { did, macs = [...online] } = done
      const number = ++last
      const healsAt = healsAfterMilliseconds === undefined ? {} : { healsAt: at + healsAfterMilliseconds }
      const record = { number, id, name, target, routerId: router.routerId, at, did, macs, ...healsAt }
      book.write((log) => addFault(log, record))
      void watchGates(router, online)
      if (done.heal) stay(fault, place, { number, heal: done.heal, over: new AbortController() })
      return { outcome: 'injected', did, macs, ...(healsAfterMilliseconds !== undefined && { healsAfterMilliseconds }) }
    } finally {
      book.release()
      if (present.get(place) === 'under way') present.delete(place)
    }
  }

  function stay({ healsAfterMilliseconds = 0 }: Fault, place: string, there: Present): void {
    present.set(place, there)
    void clock.sleep(healsAfterMilliseconds, there.over.signal).then(async () => {
      // It stands in the log that it could not be undone.
      if (present.get(place) === there) await worked(heal(place, there)).catch(() => {})
    })
  }

  async function heal(place: string, there: Present): Promise<InjectAnswer> {
    present.set(place, 'under way')
    there.over.abort()
    try {
      const did = await there.heal()
      over(there, did)
      return { outcome: 'healed', did }
    } catch (err) {
      const why = err instanceof Error ? err.message : String(err)
      over(there, `it could not be undone: ${why}`)
      throw err
    } finally {
      present.delete(place)
    }
  }

  function over({ number }: Present, did: string): void {
    const at = clock.wall()
    book.write((log) => healFault(log, number, { at, did }))
  }

  async function healAll(): Promise<void> {
    await Promise.allSettled([...working])
    await Promise.all([...present].map(([place, there]) => there !== 'under way' && heal(place, there)))
  }

  return {
    inject,
    healAll,
    log: () => book.log,
    sawEvent(event) {
      const now = clock.wall()
      book.hear((log) => seeEvent(log, event, now))
    },
    sawStatus(status) {
      const now = clock.wall()
      book.hear((log) => seeStatus(log, status, now))
    },
  }
}

/** The broker is one for all. */
const placeOf = ({ id, target }: Fault, routerId: string) => (target === 'fleet' ? id : `${id} ${routerId}`)

function impossible(code: Impossible['code'], why: string): Impossible {
  return { outcome: 'impossible', code, why }
}
