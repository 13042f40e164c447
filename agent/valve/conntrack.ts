// Ends a device's established flows after its gate was shut: what needs no answer, such as a video by UDP, would go on
// past the shut gate at full rate, and unmetered.
import type { Log } from '../log.ts'

/** Ends the flows of that IP. Never fails: without the program, or the right to use it, flows end by themselves later. */
export type EndFlows = (ip: string) => Promise<void>

export function conntrackEndFlows(log: Pick<Log, 'warn' | 'debug'>, program = 'conntrack'): EndFlows {
  let isMissing = false
  return async (ip) => {
    if (isMissing) return
    const { execa } = await import('execa')
    const { code, exitCode } = await execa(program, ['-D', '-s', ip], { reject: false, timeout: 2000, stdio: 'ignore' })
    // It ends with 1 when there was no flow to end.
    log.debug({ ip, exitCode }, 'conntrack')
    if (code !== 'ENOENT') return
    isMissing = true
    log.warn({ program }, 'not installed: established flows may outlive a shut gate for some time')
  }
}
