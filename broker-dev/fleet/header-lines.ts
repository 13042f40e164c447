// The head of the screen: totals of the fleet, where its doors are, its time, and the keys.
import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'
import type { Metric } from '../../protocol/index.ts'
import { faults } from '../faults/faults.ts'
import { isSilent, type RouterView } from './fleet-view.ts'
import type { Picture } from './picture.ts'
import { type Colour, inColour, type Line, lineOf, type Span, wrap } from './spans.ts'

export function headerLines(picture: Picture, width: number): Line[] {
  const { url, page, now, speed, problems, note } = picture
  const time = new Date(now).toISOString().slice(11, 19)
  const pace = speed === 1 ? '' : `, ${speed} times as fast as yours`
  const doors = [`broker ${url}`, ...(page === undefined ? [] : [`page ${page}`]), `the fleet's time ${time}${pace}`]
  const lines = [
    lineOf(...totals([...picture.fleet.routers.values()], now)),
    lineOf(doors.join('   ')),
    ...keyLine(picture),
    ...(note === undefined ? [] : [lineOf(inColour('cyan', note))]),
    ...problems.slice(-problemsShown).map((problem) => lineOf(inColour('red', `PROBLEM ${problem}`))),
  ]
  return lines.flatMap((line) => wrap(line, width, 2))
}

/** All the keys with their sentences, and the hints. */
export function helpLines({ selected, hints = '' }: Picture, width: number): Line[] {
  const lines = [
    lineOf(`A fault is put into ${selected}: the arrow keys choose another router. The same key again takes it back.`),
    ...faults.map(({ key, does }) => lineOf(inColour('bold', key), `  ${does}`)),
    lineOf(inColour('bold', '?'), '  Back to the fleet.'),
    lineOf(inColour('bold', 'q'), '  Ends the simulation and checks the books.'),
    [],
    ...hints.split('\n').map((hint) => lineOf(hint)),
  ]
  return lines.flatMap((line) => (line.length === 0 ? [[]] : wrap(line, width, 3)))
}

const problemsShown = 3

function totals(routers: readonly RouterView[], now: number): Span[] {
  const states = routers.map((router) => (isSilent(router, now) ? 'silent' : router.state))
  const sessions = routers.flatMap((router) => [...router.sessions.values()].map(({ session }) => session))
  const open = sessions.filter(({ state }) => state === 'open').length
  const many = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`
  return [
    inColour('bold', many(routers.length, 'router')),
    ...stateOrder.flatMap(([state, colour]) => {
      const count = states.filter((one) => one === state).length
      return count === 0 ? [] : [{ text: '  ' }, inColour(colour, `${count} ${state}`)]
    }),
    { text: '   ' },
    inColour('bold', many(sessions.length, 'session')),
    { text: `  ${open} open  ${sessions.length - open} not` },
    { text: `   sold ${amount(routers, 'sold')}   used ${amount(routers, 'used')}` },
  ]
}

const stateOrder: readonly (readonly [RouterView['state'] | 'silent', Colour])[] = [
  ['offline', 'red'],
  ['silent', 'red'],
  ['degraded', 'yellow'],
  ['unknown', 'yellow'],
  ['online', 'green'],
]

function amount(routers: readonly RouterView[], part: 'sold' | 'used'): string {
  const sum = (metric: Metric) => routers.reduce((total, one) => total + (one.conservation?.[metric][part] ?? 0), 0)
  return `${prettyBytes(sum('bytes'))} and ${prettyMilliseconds(sum('milliseconds'), { compact: true })}`
}

function keyLine({ selected }: Picture): Line[] {
  if (selected === undefined) return []
  // A key and its meaning stay on one line.
  const key = (name: string, what: string) => [
    inColour('bold', name),
    { text: `\xa0${what.replaceAll(' ', '\xa0')}  ` },
  ]
  const words = faults.flatMap((fault) => key(fault.key, fault.name))
  return [
    lineOf(
      `faults at `,
      inColour('bold', selected),
      '  ',
      ...words,
      ...key('←→', 'router'),
      ...key('?', 'help'),
      ...key('q', 'quit'),
    ),
  ]
}
