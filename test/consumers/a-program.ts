// The program `tollgate-fleet` as a process of its own, as an operator starts it.
import { type ChildProcess, spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { ended } from '../support/ended.ts'

const program = resolve(import.meta.dirname, '../../bin/tollgate-fleet.js')

export interface RunningProgram {
  /** All that it has printed so far. */
  readonly output: string
  /** Resolves with the first match of what it prints. */
  says(pattern: RegExp): Promise<RegExpExecArray>
  end(signal?: NodeJS.Signals): Promise<number | null>
  /** Resolves with its exit code when it ends by itself. */
  finished: Promise<number | null>
}

export function aProgram(args: readonly string[], env: Record<string, string>): RunningProgram {
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
  let output = ''
  const hear = (text: unknown) => {
    output += text
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  return {
    get output() {
      return output
    },
    says: (pattern) =>
      new Promise((found, lost) => {
        const look = () => {
          const match = pattern.exec(output)
          if (match) found(match)
        }
        look()
        child.stdout?.on('data', look)
        child.once('exit', () => lost(new Error(`it has ended without saying ${pattern}: ${output}`)))
      }),
    end: (signal = 'SIGTERM') => ended(child, signal),
    finished: new Promise((over) => child.once('exit', over)),
  }
}
