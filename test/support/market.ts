// A market: the merchant between random customers and a model of the portal whose own counts are the truth.

import { drift } from '../../agent/lookout/drift-words.ts'
import { gatePlan, isDue } from '../../agent/lookout/gate-plan.ts'
import { settle } from '../../agent/lookout/settle.ts'
import { nothingWatched } from '../../agent/lookout/watch.ts'
import { emptyBooks, type WritableBooks } from '../../agent/merchant/books.ts'
import { enter } from '../../agent/merchant/enter.ts'
import type { Draft } from '../../agent/merchant/event-draft.ts'
import type { JournalRecord } from '../../agent/merchant/journal-record.ts'
import { lacksBaseline, opening, unseen } from '../../agent/merchant/metering.ts'
import { purchaseSession } from '../../agent/merchant/purchase-session.ts'
import { fromSnapshot, toSnapshot } from '../../agent/merchant/snapshot.ts'
import type { PortalClient } from '../../agent/portal/portal-client.ts'
import { type Now, timestamp } from '../../agent/time/moment.ts'
import type { Event, Mac } from '../../protocol/index.ts'
import { aClient, aList, aMac, anIp, aReading, aRouterId, aTariff, aWall } from './builders.ts'

interface Device {
  client: PortalClient
  /** The bytes that really passed, and how long the gate really was open. */
  bytes: number
  openMilliseconds: number
}

export type Market = ReturnType<typeof aMarket>

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one market that every action changes.
export function aMarket(devices: number) {
  let books: WritableBooks = emptyBooks('epoch-1')
  let now: Now = { bootId: 'boot-0', at: 0, wall: aWall, clockSynced: true }
  let watch = nothingWatched
  let isUp = true
  let tokens = 0
  let sessions = 0
  const records: JournalRecord[] = []
  const events: Event[] = []
  const answers = new Map<string, Set<string>>()
  const commandedToEnd = new Set<string>()
  const world = Array.from({ length: devices }, (_, n): Device => ({ client: shut(n), bytes: 0, openMilliseconds: 0 }))

  function shut(device: number): PortalClient {
    return aClient({ mac: aMac(device), ip: anIp(device), token: `t${++tokens}`, open: false })
  }

  function append(entries: JournalRecord[], drafts: readonly Draft[] = [], purchase?: object): void {
    const stamp = { version: 1, routerId: aRouterId, epoch: 'epoch-1', at: timestamp(now.wall), clockSynced: true }
    const numbered = drafts.map((draft, n) => ({ ...stamp, ...draft, seq: books.lastSeq + 1 + n }) as Event)
    const added = numbered.map((event) => ({ type: 'event', event, ...(purchase && { purchase }) }) as JournalRecord)
    // As on disk: what is entered is what a later reader of the journal finds.
    for (const record of JSON.parse(JSON.stringify([...entries, ...added])) as JournalRecord[]) {
      records.push(record)
      enter(books, record)
    }
    events.push(...numbered)
  }

  function lookOnce(): void {
    const list = aList(world.map(({ client }) => ({ ...client })))
    const settled = settle(books, list, watch, 'close', now)
    watch = settled.watch
    const back = books.portalUnreachable ? [drift('portal-back', 'again')] : []
    append([{ type: 'metered', sessions: settled.metered }], [...back, ...settled.events])
  }

  function open(mac: Mac): void {
    const device = world.find(({ client }) => client.mac === mac)
    const session = books.sessions.get(mac)
    if (!device || !session) return
    if (lacksBaseline(session, [device.client])) {
      append([{ type: 'metered', sessions: [opening(session, [device.client])] }])
    }
    device.client = { ...device.client, open: true }
  }

  function close(mac: Mac): void {
    const at = world.findIndex(({ client }) => client.mac === mac)
    watch = { ...watch, shut: new Set([...watch.shut, mac]) }
    lookOnceMore(mac)
    drop(at)
  }

  // The reading just before a gate is shut.
  function lookOnceMore(mac: Mac): void {
    const { metered } = settle(books, aList(world.map(({ client }) => client)), watch, 'close', now)
    append([{ type: 'metered', sessions: metered.filter((metering) => metering.mac === mac) }])
  }

  function drop(device: number): void {
    const found = world[device]
    if (found) found.client = shut(device)
  }

  return {
    events,
    commandedToEnd,
    get books() {
      return books
    },
    world: world as readonly Device[],
    /** Every answer that each purchase id ever got: the number of its first event. */
    answers: answers as ReadonlyMap<string, ReadonlySet<string>>,
    buy(message: Record<string, unknown>): void {
      const { read, content } = aReading(message)
      const sale = purchaseSession(books, read, content, aTariff(), now, () => `s${++sessions}`)
      const id = String(message.purchaseId)
      const outcomes = answers.get(id) ?? answers.set(id, new Set()).get(id)
      if (sale.is === 'repetition') outcomes?.add(`event ${sale.ofSeq}`)
      if (sale.is !== 'outcome') return
      outcomes?.add(`event ${books.lastSeq + 1}`)
      append([], [sale.event], sale.purchase)
      if (sale.event.type === 'purchase.accepted') commandedToEnd.delete(sale.event.sessionId)
    },
    look(): void {
      if (!isUp) {
        append(
          [{ type: 'metered', sessions: unseen(books) }],
          books.portalUnreachable ? [] : [drift('portal-unreachable', 'down')],
        )
        return
      }
      lookOnce()
      const steps = gatePlan(books, aList(world.map(({ client }) => client)), 'close')
      for (const step of steps.filter((due) => isDue(books, due)))
        step.act === 'open' ? open(step.mac) : close(step.mac)
      if (steps.length > 0) lookOnce()
    },
    use(device: number, downloaded: number, uploaded: number): void {
      const found = world[device]
      if (!found?.client.open) return
      const { client } = found
      found.client = { ...client, downloaded: client.downloaded + downloaded, uploaded: client.uploaded + uploaded }
      found.bytes += downloaded + uploaded
    },
    pass(milliseconds: number): void {
      now = { ...now, at: now.at + milliseconds, wall: now.wall + milliseconds }
      for (const device of world) if (device.client.open) device.openMilliseconds += milliseconds
    },
    jumpWall(milliseconds: number): void {
      now = { ...now, wall: now.wall + milliseconds }
    },
    drop,
    /** The portal counts from 0 again, gates and tokens stay. */
    restartCounters(): void {
      for (const device of world) device.client = { ...device.client, downloaded: 0, uploaded: 0 }
    },
    restartPortal(): void {
      for (const device of world.keys()) drop(device)
    },
    setPortal(up: boolean): void {
      if (!up) for (const device of world.keys()) drop(device)
      isUp = up
    },
    reboot(): void {
      now = { ...now, bootId: `${now.bootId}+`, at: 0 }
      watch = nothingWatched
      for (const device of world.keys()) drop(device)
    },
    end(device: number): void {
      const session = books.sessions.get(aMac(device))
      if (!session) return
      commandedToEnd.add(session.sessionId)
      append([{ type: 'ending', mac: session.mac }])
    },
    restartFromSnapshot(): void {
      books = fromSnapshot(JSON.parse(JSON.stringify(toSnapshot(books))), books.purchases)
    },
    /** The books as the whole journal makes them. */
    replayed(): WritableBooks {
      const again = emptyBooks('epoch-1')
      for (const record of records) enter(again, record)
      return again
    },
    restartFromJournal(): void {
      books = this.replayed()
    },
  }
}
