// `nft monitor` as one long-lived child, so that the agent hears at once of what the kernel did. Where it cannot run, looks tell.
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import type { Log } from '../../log.ts'
import type { GuardListener } from './guard.ts'
import { toldBy } from './listing.ts'

const firstPause = 1000
const longestPause = 60_000
// It grows by some 250 bytes with every event of the whole firewall, and is started again above this.
const mostResidentBytes = 16 * 1024 * 1024
const weighedEvery = 60_000
// util-linux's `setpriv` has the kernel kill the monitor when its agent dies. Without `setpriv` a monitor outlives a killed agent until
// the firewall changes next, at the latest by the probe of the agent's next life: then its pipe is broken.
const endingAlong = ['setpriv', '--pdeathsig', 'KILL']
// A program that is not there, or does not know the option, ends sooner.
const shortLife = 5000

/** Started again whenever it ends, later and later; until the returned function is called. */
export function monitorNft(program: string, listener: GuardListener, log: Pick<Log, 'debug'>): () => void {
  let isOver = false
  let prefix: readonly string[] = endingAlong
  let pause = firstPause
  let child: ReturnType<typeof spawn> | undefined
  let waiting: NodeJS.Timeout | undefined

  function start(): void {
    const begun = performance.now()
    const [first = '', ...args] = [...prefix, program, '-j', 'monitor']
    child = spawn(first, args, { stdio: ['ignore', 'pipe', 'ignore'] })
    child.unref()
    const { stdout } = child
    if (stdout) createInterface({ input: stdout }).on('line', hear)
    child.on('error', (err) => log.debug({ err }, 'nft monitor cannot be run'))
    child.on('close', () => {
      if (isOver) return
      // Changes of the table went unheard meanwhile.
      listener.damaged()
      const lived = performance.now() - begun
      const mayBeThePrefix = prefix === endingAlong && lived < shortLife
      if (mayBeThePrefix) {
        prefix = []
        start()
        return
      }
      pause = lived > longestPause ? firstPause : Math.min(2 * pause, longestPause)
      waiting = setTimeout(start, pause).unref()
    })
  }

  function hear(line: string): void {
    const told = toldBy(line)
    if (told === 'damaged') listener.damaged()
    else if (told && told.cut.length > 0) listener.cut(told.cut)
  }

  async function weigh(): Promise<void> {
    const status = await readFile(`/proc/${child?.pid}/status`, 'utf8').catch(() => '')
    const resident = Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024
    if (resident > mostResidentBytes) child?.kill()
  }

  start()
  const weighing = setInterval(() => void weigh(), weighedEvery).unref()
  return () => {
    isOver = true
    clearInterval(weighing)
    clearTimeout(waiting)
    child?.kill()
  }
}
