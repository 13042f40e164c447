// An event in words, one line for a person to read.
import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'
import type { Amounts, Event } from '../protocol/index.ts'

/** The event in words; neither the router nor the time. */
export function describeEvent(event: Event): string {
  switch (event.type) {
    case 'purchase.accepted':
      return `${event.mac} bought ${describeAmounts({ [event.metric]: event.allotment })}${again(event)}`
    case 'purchase.rejected':
      return `${event.mac ?? 'somebody'} was refused: ${event.code}, ${event.message}${again(event)}`
    case 'session.started':
      return `${event.mac} is online, ${prettyMilliseconds(event.openedAfterMilliseconds)} after the purchase`
    case 'session.ended':
      return `${event.mac} is offline: ${event.reason}, used ${describeAmounts(event.used ?? {})}${unused(event)}`
    case 'session.settled':
      return `${event.mac} has used up ${event.purchases.length} purchases`
    case 'session.moved':
      return `${event.from} goes on as ${event.to}`
    case 'session.paused':
    case 'session.resumed':
      return `${event.mac} ${event.type.slice('session.'.length)}`
    case 'gate.drift':
      return `${event.mac ?? 'the portal'} ${event.kind}: ${event.repair}`
    case 'agent.started':
    case 'agent.stopped':
      return `${event.type.replace('.', ' ')}: ${event.why}`
  }
}

/** `22 MB`, `3s`, or both; `nothing` without either. */
export function describeAmounts({ bytes, milliseconds }: Amounts): string {
  const parts = []
  if (bytes !== undefined) parts.push(prettyBytes(bytes))
  if (milliseconds !== undefined) parts.push(prettyMilliseconds(milliseconds))
  return parts.join(' and ') || 'nothing'
}

/** The first answer is given again to the same purchase: it sells nothing. */
function again({ duplicate }: { duplicate?: true | undefined }): string {
  return duplicate ? ', said again' : ''
}

function unused(event: Extract<Event, { type: 'session.ended' }>): string {
  const left = event.purchases.filter((purchase) => purchase.unused > 0)
  if (left.length === 0) return ''
  return `, unused ${left.map((purchase) => describeAmounts({ [purchase.metric]: purchase.unused })).join(', ')}`
}
