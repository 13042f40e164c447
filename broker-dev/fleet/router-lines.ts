// The routers on the screen: each with its sessions where there is room, else a line each, and the unwell first.
import prettyBytes from 'pretty-bytes'
import { describeAmounts } from '../../cli/describe.ts'
import type { Metric, Session } from '../../protocol/index.ts'
import { isSilent, type RouterView, type SessionView } from './fleet-view.ts'
import type { Picture } from './picture.ts'
import { allIn, type Colour, inColour, type Line, lineOf, wrap } from './spans.ts'

/** The routers in at most `room` lines: whole where they fit, a line each otherwise. */
export function routerLines({ fleet, now, selected }: Picture, width: number, room: number): Line[] {
  const routers = [...fleet.routers.values()].sort((one, other) => byWellness(one, other, now))
  const marked = (router: RouterView) => (router.routerId === selected && routers.length > 1 ? '▸' : ' ')
  const whole = routers.flatMap((router) => wholeRouter(router, marked(router), width, now))
  if (whole.length <= room) return whole
  const short = routers.map((router) => shortRouter(router, marked(router), now))
  if (short.length <= room) return short
  const hidden = routers.slice(Math.max(0, room - 1))
  const unwell = hidden.filter((router) => illness(router, now) < wellness.length).length
  const who = unwell === 0 ? 'all of them well' : `${unwell} of them unwell`
  return [...short.slice(0, Math.max(0, room - 1)), lineOf(inColour('dim', `  … and ${hidden.length} more, ${who}`))]
}

/** From the worst on; after these come the well ones. */
const wellness = [
  (router: RouterView) => router.state === 'offline',
  (router: RouterView, now: number) => isSilent(router, now),
  (router: RouterView) => router.state === 'degraded',
  (router: RouterView) => router.state === 'unknown',
  (router: RouterView) => router.warnings.length > 0,
]

function illness(router: RouterView, now: number): number {
  const worst = wellness.findIndex((is) => is(router, now))
  return worst === -1 ? wellness.length : worst
}

function byWellness(one: RouterView, other: RouterView, now: number): number {
  const byNumber = one.routerId.localeCompare(other.routerId, 'en', { numeric: true })
  return illness(one, now) - illness(other, now) || byNumber
}

function wholeRouter(router: RouterView, mark: string, width: number, now: number): Line[] {
  const sessions = [...router.sessions.values()].sort((a, b) => a.session.mac.localeCompare(b.session.mac))
  const hidden = sessions.length - sessionsShown
  const shown = sessions.slice(0, sessionsShown).map((session) => sessionLine(session, router, now))
  return [
    lineOf(...headOf(router, mark, now), countOf(router)),
    ...router.warnings.flatMap((warning) => wrap(lineOf(inColour('yellow', `    ! ${warning}`)), width, 6)),
    ...(isStale(router, now) ? shown.map((line) => allIn('dim', line)) : shown),
    ...(hidden > 0 ? [lineOf(inColour('dim', `    … and ${hidden} more`))] : []),
  ]
}

const sessionsShown = 8

function shortRouter(router: RouterView, mark: string, now: number): Line {
  const rate = [...router.sessions.values()].reduce((sum, { session }) => sum + rateOf(session), 0)
  const [warning] = router.warnings
  const line = [
    ...headOf(router, mark, now),
    countOf(router).padEnd(24),
    rate > 0 && !isStale(router, now) ? `${prettyBytes(rate)}/s`.padEnd(10) : ''.padEnd(10),
    ...(warning === undefined ? [] : [inColour('yellow', `! ${warning}`)]),
  ]
  return isStale(router, now) ? allIn('dim', lineOf(...line)) : lineOf(...line)
}

function headOf(router: RouterView, mark: string, now: number) {
  const { routerId, portal } = router
  const state = isSilent(router, now) ? 'silent' : router.state
  const name = portal ? `${portal.kind} ${portal.version ?? ''}`.trim() : ''
  return [`${mark} ${routerId.padEnd(5)}`, inColour(colours[state], state.padEnd(9)), ` ${name.padEnd(18)}  `]
}

const colours: Record<RouterView['state'] | 'silent', Colour> = {
  ...{ offline: 'red', silent: 'red', degraded: 'yellow', unknown: 'yellow', online: 'green' },
}

function countOf({ sessions }: RouterView): string {
  const states = [...sessions.values()].map(({ session }) => session.state)
  const counts = (['open', 'waiting', 'paused', 'closing'] as const).flatMap((state) => {
    const count = states.filter((one) => one === state).length
    return count === 0 ? [] : [`${count} ${state}`]
  })
  return counts.join(', ') || 'no session'
}

/** Its numbers are not of now. */
function isStale(router: RouterView, now: number): boolean {
  return router.state === 'offline' || isSilent(router, now)
}

function sessionLine(view: SessionView, router: RouterView, now: number): Line {
  const { session } = view
  const metric: Metric = (session.remaining.bytes ?? 0) > 0 ? 'bytes' : metricOf(session)
  const [used, allotment] = [usedBy(view, metric, router, now), session.allotment[metric] ?? 0]
  const amounts = `${describeAmounts({ [metric]: used })} of ${describeAmounts({ [metric]: allotment })}`
  const rate = rateOf(session) > 0 ? `${prettyBytes(session.bytesPerSecond)}/s` : ''
  const waits = session.waitingFor === undefined ? '' : `for ${session.waitingFor}`
  const isOld = session.quality === 'last-known'
  const state = inColour(session.state === 'open' ? 'green' : 'yellow', session.state.padEnd(8))
  const numbers = `${bar(used, allotment)} ${amounts.padEnd(18)} ${rate || waits}${isOld ? ' ?' : ''}`
  const line = lineOf(`    ${session.mac} `, state, numbers)
  return isOld ? allIn('dim', line) : line
}

// A report tells of time that has passed since: without this a bar would stand, and then jump.
function usedBy({ session, seenAt }: SessionView, metric: Metric, router: RouterView, now: number): number {
  const used = session.used[metric] ?? 0
  if (metric === 'bytes' || session.state !== 'open' || isStale(router, now)) return used
  return Math.min(session.allotment.milliseconds ?? used, used + Math.max(0, now - seenAt))
}

function rateOf({ state, bytesPerSecond }: Session): number {
  return state === 'open' ? bytesPerSecond : 0
}

function metricOf({ allotment }: Session): Metric {
  return allotment.milliseconds === undefined ? 'bytes' : 'milliseconds'
}

function bar(used: number, allotment: number): string {
  const full = allotment === 0 ? 0 : Math.min(barWidth, Math.floor((used / allotment) * barWidth))
  return '█'.repeat(full) + '░'.repeat(barWidth - full)
}

const barWidth = 12
