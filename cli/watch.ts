// `watch` and `replay`: events as people read them, or as JSON, one a line.
import type { Cursor, Fleet, Item } from '../client/index.ts'
import { type Context, withFleet } from './context.ts'
import { describeEvent } from './describe.ts'
import { done, type ExitCode, noAnswer } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

export interface WatchOptions {
  from?: string
  router?: string[]
  type?: string[]
  count?: number
}

export async function watch(context: Context, { from = 'now', router, type, count }: WatchOptions): Promise<ExitCode> {
  const { terminal, end } = context
  return withFleet(context, async (fleet) => {
    let shown = 0
    for await (const { item, cursor } of fleet.events({ from, ...(router && { routers: router }) })) {
      if (end.aborted) break
      if (type && !type.includes(item.type)) continue
      terminal.say(lineOf(item, terminal))
      terminal.json({ item, cursor })
      if (++shown === count) break
    }
    return done
  })
}

export interface ReplayOptions {
  epoch?: string
  from: number
  to?: number
}

/** The events that the router still has, from its journal; ends with the last event that is there now. */
export async function replay(
  context: Context,
  routerId: string,
  { epoch, from, to }: ReplayOptions,
): Promise<ExitCode> {
  const { terminal } = context
  return withFleet(context, async (fleet) => {
    const journal = await journalOf(fleet, routerId)
    if (!journal) {
      terminal.complain(`${routerId} has told the broker nothing of itself, so nobody knows its journal`)
      return noAnswer
    }
    const last = Math.min(
      to ?? journal.lastSeq,
      epoch === undefined || epoch === journal.epoch ? journal.lastSeq : Infinity,
    )
    if (from > last) return done
    const before: Cursor = { version: 1, routers: { [routerId]: { epoch: epoch ?? journal.epoch, seq: from - 1 } } }
    for await (const { item } of fleet.events({ from: before, routers: [routerId] })) {
      terminal.say(lineOf(item, terminal))
      terminal.json(item)
      if ((item.type === 'lost' ? (item.toSeq ?? Infinity) : (item.seq ?? 0)) >= last) break
    }
    return done
  })
}

async function journalOf(fleet: Fleet, routerId: string): Promise<{ epoch: string; lastSeq: number } | undefined> {
  const view = (await fleet.routers()).find((router) => router.routerId === routerId)
  const { epoch, journal } = view?.status ?? {}
  return epoch !== undefined && journal ? { epoch, lastSeq: journal.lastSeq } : undefined
}

export function lineOf(item: Item, { paint }: Terminal): string {
  const { routerId } = item
  if (item.type === 'lost') {
    const which = item.toSeq === null ? `from ${item.fromSeq} on` : `${item.fromSeq} to ${item.toSeq}`
    return paint('red', `          ${routerId.padEnd(6)} events ${which} of ${item.epoch} are lost: ${item.why}`)
  }
  if (item.type === 'unrecognised') {
    return paint('dim', `          ${routerId.padEnd(6)} ${item.event.type}, which this version does not know`)
  }
  const line = `${item.at.slice(11, 19)}  ${routerId.padEnd(6)} ${describeEvent(item)}`
  if (item.historical) return paint('dim', line)
  return item.type === 'gate.drift' || item.type === 'purchase.rejected' ? paint('yellow', line) : line
}
