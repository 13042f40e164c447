// The whole screen as lines: a header that stays, the routers, the faults and what came of them, the last events.
import { describeEvent } from '../../cli/describe.ts'
import type { Event } from '../../protocol/index.ts'
import { faultLines } from './fault-lines.ts'
import type { EventView } from './fleet-view.ts'
import { headerLines, helpLines } from './header-lines.ts'
import type { Picture } from './picture.ts'
import { routerLines } from './router-lines.ts'
import { cut, inColour, type Line, lineOf, wrap } from './spans.ts'

/** No line wider than `width`, and never more than `height` of them. */
export function renderPicture(picture: Picture, width: number, height = Number.POSITIVE_INFINITY): Line[] {
  const header = headerLines(picture, width)
  if (picture.isHelp) return [...header, [], ...helpLines(picture, width)].slice(0, height)
  const faults = faultLines(picture, width)
  const events = picture.fleet.events.slice(-eventsShown).flatMap((event) => eventLines(event, width))
  const below = [...(faults.length > 0 ? [[], ...faults] : []), ...(events.length > 0 ? [[], ...events] : [])]
  const room = height - header.length - 1
  // Routers get what the rest leaves, and half of the room at least.
  const routers = routerLines(picture, width, Math.max(Math.floor(room / 2), room - below.length))
  const shown = [...header, [], ...routers, ...below.slice(0, Math.max(0, room - routers.length))]
  return shown.slice(0, height).map((line) => cut(line, width))
}

/** An event with its router, as it stands by itself where there is no screen. */
export function eventLine(event: Event): string {
  return `${event.at.slice(11, 19)}  ${event.routerId.padEnd(4)} ${describeEvent(event)}`
}

const eventsShown = 8

function eventLines({ event, times }: EventView, width: number): Line[] {
  const line = times === 1 ? eventLine(event) : eventLine({ ...event, mac: undefined } as Event)
  const text = times === 1 ? line : line.replace('the portal', `${times} devices`)
  const isTrouble = event.type === 'gate.drift' || event.type === 'agent.stopped'
  return wrap(lineOf(isTrouble ? inColour('yellow', text) : text), width, 15)
}
