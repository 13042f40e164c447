// `check`: a nasty router against somebody's backend, and which rules that breaks.
import { writeFileSync } from 'node:fs'
import { check as runCheck } from '../kit/check.ts'
import { junit } from '../kit/junit.ts'
import { type Context, fleetOptionsOf } from './context.ts'
import { done, type ExitCode, refused } from './exit-codes.ts'

export interface CheckOptions {
  backend: string
  junit?: string
  within: number
  quiet: number
  late: number
}

export async function check(context: Context, options: CheckOptions): Promise<ExitCode> {
  const { terminal } = context
  const { backend, within, quiet, late } = options
  const patience = { within: within * 1000, quiet: quiet * 1000, late: late * 1000 }
  const verdicts = await runCheck({ fleet: fleetOptionsOf(context.options), backend, ...patience })
  if (options.junit !== undefined) writeFileSync(options.junit, junit(verdicts))
  terminal.json(verdicts)
  for (const { rule, about, wrong } of verdicts) {
    const isKept = wrong === undefined
    terminal.say(`${terminal.paint(isKept ? 'green' : 'red', isKept ? 'pass' : 'FAIL')}  ${rule.padEnd(26)}${about}`)
    if (!isKept) terminal.say(`      ${wrong}`)
  }
  const failures = verdicts.filter(({ wrong }) => wrong !== undefined).length
  terminal.say(
    failures === 0 ? `all ${verdicts.length} rules are kept` : `${failures} of ${verdicts.length} rules are broken`,
  )
  return failures === 0 ? done : refused
}
