// The fleet as a table in the terminal: routers, their sessions with usage bars, the last events.
import prettyBytes from 'pretty-bytes'
import { describeAmounts, describeEvent } from '../../cli/describe.ts'
import type { Event, Metric, Session } from '../../protocol/index.ts'
import type { FleetView, RouterView } from './fleet-view.ts'

/** The table, no line of it wider than `width`; where `height` is too small, routers give way to events. */
export function renderTable(fleet: FleetView, width: number, height = Number.POSITIVE_INFINITY): string {
  const routers = [...fleet.routers.values()].sort(byNumber).flatMap(renderRouter)
  const events = fleet.events.slice(-eventsShown).map(eventLine)
  const room = Math.max(1, height - (events.length > 0 ? events.length + 1 : 0))
  const hidden = routers.length - room + 1
  const shown = hidden > 1 ? [...routers.slice(0, room - 1), `… and ${hidden} more lines`] : routers
  const lines = [...shown, ...(events.length > 0 ? ['', ...events] : [])]
  return lines.map((line) => cut(line, width)).join('\n')
}

/** An event with its router, as it stands under the table or, where there is none, by itself. */
export function eventLine(event: Event): string {
  return `${event.at.slice(11, 19)}  ${event.routerId.padEnd(4)} ${describeEvent(event)}`
}

const eventsShown = 8
const sessionsShown = 8

function renderRouter(router: RouterView): string[] {
  const sessions = [...router.sessions.values()].map(({ session }) => session).sort(byMac)
  const hidden = sessions.length - sessionsShown
  const portal = router.portal ? `${router.portal.kind} ${router.portal.version ?? ''}`.trim() : ''
  const count = sessions.length === 1 ? '1 session' : `${sessions.length} sessions`
  return [
    [router.routerId.padEnd(4), router.state.padEnd(8), portal.padEnd(20), count].join('  '),
    ...router.warnings.map((warning) => `      ! ${warning}`),
    ...sessions.slice(0, sessionsShown).map(renderSession),
    ...(hidden > 0 ? [`      … and ${hidden} more`] : []),
  ]
}

function renderSession(session: Session): string {
  const metric: Metric = (session.remaining.bytes ?? 0) > 0 ? 'bytes' : metricOf(session)
  const [used, allotment] = [session.used[metric] ?? 0, session.allotment[metric] ?? 0]
  const amounts = `${describeAmounts({ [metric]: used })} of ${describeAmounts({ [metric]: allotment })}`
  const rate = session.state === 'open' && session.bytesPerSecond > 0 ? `${prettyBytes(session.bytesPerSecond)}/s` : ''
  const stale = session.quality === 'last-known' ? ' ?' : ''
  return `      ${session.mac}  ${session.state.padEnd(7)}  ${bar(used, allotment)}  ${amounts.padEnd(20)} ${rate}${stale}`
}

function metricOf({ allotment }: Session): Metric {
  return allotment.milliseconds === undefined ? 'bytes' : 'milliseconds'
}

function bar(used: number, allotment: number): string {
  const full = allotment === 0 ? 0 : Math.min(barWidth, Math.floor((used / allotment) * barWidth))
  return '█'.repeat(full) + '░'.repeat(barWidth - full)
}

const barWidth = 16

function cut(line: string, width: number): string {
  const trimmed = line.trimEnd()
  return trimmed.length <= width ? trimmed : `${trimmed.slice(0, Math.max(0, width - 1))}…`
}

function byNumber(one: RouterView, other: RouterView): number {
  return one.routerId.localeCompare(other.routerId, 'en', { numeric: true })
}

function byMac(one: Session, other: Session): number {
  return one.mac.localeCompare(other.mac)
}
