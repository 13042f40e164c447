// An item of the stream of events as a line for people.

import { describeEvent } from '../../cli/describe.ts'
import type { Item } from '../../client/index.ts'
import type { EventRow } from '../wire/wire.ts'

/** `now`: the server's time, for a router whose clock is not to be trusted. */
export function eventRowOf(item: Item, now: string): EventRow {
  const { routerId, epoch, type } = item
  if (item.type === 'lost') {
    const which = item.toSeq === null ? `from ${item.fromSeq} on` : `${item.fromSeq} to ${item.toSeq}`
    const id = `${routerId} ${epoch} lost ${item.fromSeq}`
    return { id, at: now, routerId, type, text: `events ${which} are lost: ${item.why}`, tone: 'bad' }
  }
  const id = `${routerId} ${epoch} ${item.seq}`
  if (item.type === 'unrecognised') {
    // Anything may stand there.
    const name = typeof item.event.type === 'string' ? item.event.type : JSON.stringify(item.event.type)
    return { id, at: now, routerId, type: name, text: `${name}, which this version does not know`, tone: 'plain' }
  }
  return {
    ...{ id, routerId, type, text: describeEvent(item), tone: toneOf(item) },
    at: item.clockSynced ? item.at : now,
    ...('mac' in item && item.mac !== undefined && { mac: item.mac }),
    ...('sessionId' in item && item.sessionId !== undefined && { sessionId: item.sessionId }),
    ...('purchaseId' in item && item.purchaseId !== undefined && { purchaseId: item.purchaseId }),
  }
}

function toneOf(item: Item): EventRow['tone'] {
  switch (item.type) {
    case 'session.started':
    case 'purchase.accepted':
      return 'good'
    case 'purchase.rejected':
      return 'warn'
    case 'gate.drift':
      return item.kind === 'portal-back' ? 'good' : 'warn'
    case 'session.ended':
      return item.reason === 'lost' ? 'bad' : 'plain'
    case 'agent.stopped':
      return 'warn'
    case 'agent.started':
      return item.why === 'after-crash' ? 'bad' : 'plain'
    default:
      return 'plain'
  }
}
