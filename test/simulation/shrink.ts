// Shrinks a script that breaks a promise: chunks of its actions are left out, then single ones, for as long as it breaks one.
import type { Action, Script } from './script.ts'
import { simulate } from './simulate.ts'

/** The smallest script found that still breaks the same promise, and how; `seconds` bound the search. */
export async function shrink(script: Script, seconds = 120): Promise<{ script: Script; violation: string }> {
  const until = Date.now() + seconds * 1000
  let best = script
  let { violation = '' } = await simulate(script)
  if (violation === '') throw new Error('this script breaks no promise')

  const kind = kindOf(violation)

  async function isStillWrong(candidate: Script): Promise<boolean> {
    if (Date.now() > until) return false
    const { violation: found, milliseconds } = await simulate(candidate)
    if (found === undefined || kindOf(found) !== kind) return false
    best = { ...candidate, milliseconds: Math.min(candidate.milliseconds, milliseconds) }
    violation = found
    return true
  }

  const seen = await simulate(best)
  const untilThen = best.actions.filter((action) => action.at <= seen.milliseconds)
  await isStillWrong({ ...best, milliseconds: Math.min(best.milliseconds, seen.milliseconds), actions: untilThen })
  for (let size = Math.ceil(best.actions.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < best.actions.length; ) {
      const without = leaveOut(best.actions, from, size)
      if (!(await isStillWrong({ ...best, actions: without }))) from += size
    }
  }
  return { script: best, violation }
}

// Another broken promise is another story: only words count, not numbers and names.
const kindOf = (violation: string): string =>
  violation
    .replaceAll(/[\d:.-]+|\b(?:s|p|event|session|ms)\b/g, '')
    .replaceAll(/\s+/g, ' ')
    .slice(0, 45)

const leaveOut = (actions: readonly Action[], from: number, size: number): Action[] => [
  ...actions.slice(0, from),
  ...actions.slice(from + size),
]
