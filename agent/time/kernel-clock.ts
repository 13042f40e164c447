// Whether the kernel calls its clock synchronised. Node has no call for it: the first program that is there and knows tells.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export interface KernelClock {
  /** The last answer; undefined while there is none. */
  readonly isSynced: boolean | undefined
  /** Asks; resolves when the answer is in, at the latest after two seconds. */
  ask(): Promise<void>
}

/** Resolves with what the program says on stdout; rejects when it cannot be run. */
export type Run = (program: string, args: readonly string[]) => Promise<string>

interface Source {
  program: string
  args: readonly string[]
  read(output: string): boolean | undefined
}

// adjtimex(2) returns 5 (TIME_ERROR) while no daemon keeps the clock. Busybox has it as an applet; chrony, ntpd and
// systemd-timesyncd tell the kernel.
const adjtimex = (output: string): boolean | undefined => {
  const returned = /return value\s*[:=]\s*(\d+)/.exec(output)?.[1]
  return returned === undefined ? undefined : returned !== '5'
}
const sources: readonly Source[] = [
  { program: 'adjtimex', args: [], read: adjtimex },
  { program: 'busybox', args: ['adjtimex'], read: adjtimex },
  {
    program: 'timedatectl',
    args: ['show', '--property=NTPSynchronized', '--value'],
    read: (output) => ({ yes: true, no: false })[output.trim()],
  },
  {
    program: 'chronyc',
    args: ['-n', 'tracking'],
    read: (output) => (/^Leap status/m.test(output) ? !/^Leap status\s*:\s*Not synchronised/m.test(output) : undefined),
  },
]

const patience = 2000

export function createKernelClock(run: Run = runProgram): KernelClock {
  let isSynced: boolean | undefined
  let known: readonly Source[] = sources

  async function answerOf({ program, args, read }: Source): Promise<boolean | undefined> {
    return read(await run(program, args).catch(() => ''))
  }

  return {
    get isSynced() {
      return isSynced
    },
    async ask() {
      for (const source of known) {
        const answer = await answerOf(source)
        if (answer === undefined) continue
        isSynced = answer
        known = [source, ...sources.filter((other) => other !== source)]
        return
      }
      isSynced = undefined
    },
  }
}

/** Runs what stands in a folder of that PATH: a program that is not there costs a small machine no process. */
export function runFrom(path = '/usr/sbin:/usr/bin:/sbin:/bin'): Run {
  return async (program, args) => {
    const file = path
      .split(':')
      .filter((folder) => folder !== '')
      .map((folder) => join(folder, program))
      .find((candidate) => existsSync(candidate))
    if (file === undefined) throw new Error(`${program} is not installed`)
    return runProgram(file, args)
  }
}

function runProgram(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { timeout: patience }, (err, stdout) => (err ? reject(err) : resolve(stdout)))
  })
}
