// `doctor`: asks a broker what it keeps, and says what that means.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { FleetError } from '../client/index.ts'
import { examine } from '../kit/doctor.ts'
import type { Finding } from '../kit/trial.ts'
import { type Context, fleetOptionsOf } from './context.ts'
import { done, type ExitCode, refused } from './exit-codes.ts'

export interface DoctorOptions {
  broker?: string
  restart?: string
  kill?: string
}

export async function doctor(context: Context, { broker, restart, kill }: DoctorOptions): Promise<ExitCode> {
  const { terminal, options } = context
  const fleet = fleetOptionsOf({ ...options, ...(broker !== undefined && { url: broker }) })
  const findings = await examine({
    fleet,
    ...(restart && { restart: byShell(restart) }),
    ...(kill && { kill: byShell(kill) }),
  }).catch((cause) => {
    throw cause instanceof FleetError ? cause : new FleetError('unreachable', `${fleet.url}: ${cause.message}`, cause)
  })
  terminal.json(findings)
  const width = Math.max(...findings.map(({ what }) => what.length)) + 2
  for (const finding of findings) {
    const { word, colour } = verdictOf(finding)
    terminal.say(`${terminal.paint(colour, word)}  ${finding.what.padEnd(width)}${finding.found}`)
    if (finding.holds === false) terminal.say(`      ${finding.means}`)
  }
  return findings.some(({ holds }) => holds === false) ? refused : done
}

function verdictOf({ holds }: Finding): { word: string; colour: 'green' | 'red' | 'dim' } {
  if (holds === undefined) return { word: '  - ', colour: 'dim' }
  return holds ? { word: 'yes ', colour: 'green' } : { word: 'no  ', colour: 'red' }
}

/** Resolves when the command has ended; the next connection waits for the broker. */
function byShell(command: string): () => Promise<void> {
  return async () => {
    await promisify(execFile)('sh', ['-c', command])
  }
}
