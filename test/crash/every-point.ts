// Lives that die at every numbered point, before it, in the middle of a write, and after it.
import type { Ear } from './ear.ts'
import type { Death } from './points.ts'
import { type Life, live, sold } from './story.ts'
import { wrongIn } from './verdict.ts'

export interface Stage {
  program: string
  url: string
  ear: Ear
}

export interface Outcome {
  deaths: Death[]
  /** Where it died at last, such as `after append journal`; undefined when this life had fewer points. */
  diedAt: string | undefined
  /** Bytes that passed beyond what was bought. */
  given: number
  keptOutMilliseconds: number
  /** Answers that repeated an earlier one. */
  repeated: number
  wrong: string[]
}

/** Every life there is to live, in an order that is always the same: which points there are only a life without death tells. */
export async function allDeaths(stage: Stage): Promise<{ points: number; deaths: Death[][] }> {
  const first = pointsOf(await livedWell(stage, []), 0)
  const torn: Death = { at: firstSale(first), when: 'torn' }
  // Only a second run shows how a start deals with a torn end.
  const second = pointsOf(await livedWell(stage, [torn]), 1).slice(0, firstSale(first))
  const deaths = [
    ...first.flatMap((name, index) => deathsAt(name, index + 1).map((death) => [death])),
    ...second.flatMap((name, index) => deathsAt(name, index + 1).map((death) => [torn, death])),
  ]
  return { points: first.length + second.length, deaths }
}

// They mostly wait: for the broker, for the next look, for the device.
const beside = 4

export async function liveAll(stage: Stage, deaths: Death[][]): Promise<Outcome[]> {
  const waiting = [...deaths]
  const outcomes: Outcome[] = []
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) outcomes.push(await liveOnce(stage, next))
  }
  await Promise.all(Array.from({ length: beside }, lane))
  return outcomes
}

/** For people: how many lives ended where, and the worst that came of it. */
export function summaryOf(outcomes: Outcome[]): string[] {
  const most = (of: (outcome: Outcome) => number) => Math.round(Math.max(0, ...outcomes.map(of)))
  const places = placesOf(outcomes)
  return [
    `${outcomes.length} lives were lived, the device kept out for at most ${most((outcome) => outcome.keptOutMilliseconds)} ms`,
    `and at most ${most((outcome) => outcome.given)} bytes given away; they died`,
    ...[...places].map(([place, times]) => `  ${place}${times > 1 ? ` (${times} times)` : ''}`).sort(),
  ]
}

function placesOf(outcomes: Outcome[]): Map<string, number> {
  const places = new Map<string, number>()
  for (const { diedAt = 'nowhere: this life had fewer points' } of outcomes) {
    places.set(diedAt, (places.get(diedAt) ?? 0) + 1)
  }
  return places
}

async function liveOnce({ program, url, ear }: Stage, deaths: Death[]): Promise<Outcome> {
  try {
    const life = await live(program, url, ear, deaths)
    const { passed, keptOutMilliseconds } = life
    const repeated = life.voice.answers.length
    const wrong = wrongIn(life)
    return { deaths, diedAt: placeOf(life, deaths), given: passed - sold, keptOutMilliseconds, repeated, wrong }
  } catch (err) {
    return { deaths, diedAt: undefined, given: 0, keptOutMilliseconds: 0, repeated: 0, wrong: [String(err)] }
  }
}

function placeOf({ runs }: Life, deaths: Death[]): string | undefined {
  const death = deaths.at(-1)
  const run = runs[deaths.length - 1]
  const point = run?.died ? run.points.find((candidate) => candidate.startsWith(`${death?.at} `)) : undefined
  if (!death || point === undefined) return undefined
  return `${death.when === 'torn' && !isWrite(nameOf(point)) ? 'before' : death.when} ${nameOf(point)}`
}

async function livedWell({ program, url, ear }: Stage, deaths: Death[]): Promise<Life> {
  const life = await live(program, url, ear, deaths)
  const wrong = wrongIn(life)
  if (wrong.length > 0) throw new Error(`wrong without any crash worth the name: ${wrong.join('; ')}`)
  return life
}

const pointsOf = ({ runs }: Life, run: number): string[] => (runs[run]?.points ?? []).map(nameOf)
const nameOf = (point: string): string => point.replace(/^\d+ /, '')

// The number of the write that the first acknowledgement waits for.
const firstSale = (points: string[]): number =>
  points.slice(0, points.indexOf('acknowledge purchase')).lastIndexOf('append journal') + 1

const isWrite = (name: string): boolean => /^(append|replace) /.test(name)

function deathsAt(name: string, at: number): Death[] {
  const whens: Death['when'][] = isWrite(name) ? ['before', 'torn', 'after'] : ['before', 'after']
  return whens.map((when) => ({ at, when }))
}
