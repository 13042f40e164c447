// Ends a device's established flows after its gate was shut: what needs no answer, such as a video by UDP, would go on
// past the shut gate at full rate, and unmetered.
import type { Log } from '../log.ts'

/** Ends the flows of that IP. Never fails: without the program, or the right to use it, flows end by themselves later. */
export type EndFlows = (ip: string) => Promise<void>

export function conntrackEndFlows(log: Pick<Log, 'warn' | 'debug'>, program = 'conntrack'): EndFlows {
  let isMissing = false
  let isFailing = false
  return async (ip) => {
    if (isMissing) return
    const { execa } = await import('execa')
    const options = { reject: false, timeout: 2000, stdin: 'ignore', stdout: 'ignore' } as const
    const { code, exitCode, stderr } = await execa(program, ['-D', '-s', ip], options)
    log.debug({ ip, exitCode }, 'conntrack')
    if (code === 'ENOENT') {
      isMissing = true
      log.warn({ program }, 'not installed: established flows may outlive a shut gate for some time')
      return
    }
    // It ends with 1 also when there was no flow to end, and says so.
    const hasFailed = exitCode !== 0 && !/\b0 flow entries/.test(stderr)
    if (hasFailed && !isFailing) {
      log.warn({ program, ip, exitCode, said: stderr.trim() }, 'failed: established flows may outlive a shut gate')
    }
    isFailing = hasFailed
  }
}
