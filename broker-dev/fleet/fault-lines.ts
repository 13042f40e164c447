// The last faults on the screen, each with what came of it.
import prettyMilliseconds from 'pretty-ms'
import type { FaultRecord, Reaction } from '../faults/fault-log.ts'
import type { Picture } from './picture.ts'
import { inColour, type Line, lineOf, wrap } from './spans.ts'

export function faultLines({ faults, now }: Picture, width: number): Line[] {
  const shown = faults.records.slice(-faultsShown).filter((record) => isShown(record, now))
  return shown.flatMap((record) => linesOf(record, now)).flatMap((line) => wrap(line, width, 15))
}

/** One fault in words. */
export function faultLine({ at, did }: Pick<FaultRecord, 'at' | 'did'>): string {
  return `${clock(at)}  FAULT ${did}`
}

const faultsShown = 2
const reactionsShown = 5
const shownFor = 180_000

function isShown({ at, healsAt, healed }: FaultRecord, now: number): boolean {
  return now <= (healed?.at ?? healsAt ?? at) + shownFor
}

function linesOf(record: FaultRecord, now: number): Line[] {
  const { healsAt, healed, reactions } = record
  const left = healsAt === undefined || healed || healsAt <= now ? '' : `, for ${span(healsAt - now)} more`
  const hidden = reactions.length - reactionsShown
  return [
    lineOf(inColour('red', `${faultLine(record)}${left}`)),
    ...reactions.slice(0, reactionsShown).map((reaction) => lineOf(inColour('cyan', answer(record, reaction)))),
    ...(hidden > 0 ? [lineOf(inColour('dim', `          … and ${hidden} more`))] : []),
    ...(healed ? [lineOf(inColour('green', `${clock(healed.at)}  OVER  ${healed.did}`))] : []),
  ]
}

function answer({ at }: FaultRecord, reaction: Reaction): string {
  const times = reaction.times > 1 ? `, ${reaction.times} times` : ''
  return `  +${span(Math.max(0, reaction.at - at)).padEnd(6)} ${reaction.text}${times}`
}

const span = (milliseconds: number) => prettyMilliseconds(milliseconds, { secondsDecimalDigits: 1, unitCount: 1 })
const clock = (at: number) => new Date(at).toISOString().slice(11, 19)
