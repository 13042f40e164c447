// The simulated fleet as a process of its own, as `npm start` runs it.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ended } from '../support/ended.ts'

export interface RunningFleet {
  url: string
  /** Its output so far. */
  readonly output: string
  /** Resolves with the exit code when it ends by itself. */
  finished: Promise<number | null>
  close(): Promise<void>
}

const program = resolve(import.meta.dirname, '../../dist/fleet.js')

export async function aFleet(line: string): Promise<RunningFleet> {
  const state = mkdtempSync(join(tmpdir(), 'tollgate-consumers-'))
  const fleet: ChildProcess = spawn(process.execPath, [program, '--port', '0', '--state', state, ...line.split(' ')])
  let output = ''
  const url = await new Promise<string>((found, lost) => {
    fleet.stdout?.on('data', (text) => {
      output += text
      const [, address] = /broker +(mqtt:\S+)/.exec(output) ?? []
      if (address) found(address)
    })
    fleet.stderr?.on('data', (text) => {
      output += text
    })
    fleet.once('exit', () => lost(new Error(output)))
  })
  return {
    url,
    get output() {
      return output
    },
    finished: new Promise((over) => fleet.once('exit', over)),
    async close() {
      await ended(fleet, 'SIGKILL')
      rmSync(state, { recursive: true, force: true })
    },
  }
}
