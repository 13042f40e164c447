// `ndsctl` as one life of the agent meets it: slow, one call at a time, cut off when the agent dies, and wrong while a
// fault lasts. A question is read first and takes its time then; an order takes its time and is done then.

import type { Ndsctl } from '../../agent/valve/ndsctl/exec.ts'
import type { Neighbours } from '../../agent/valve/neighbours.ts'
import { PortalFault } from '../../agent/valve/portal-fault.ts'
import type { Mac } from '../../protocol/index.ts'
import type { Dice } from './dice.ts'
import type { Life } from './life.ts'
import type { PortalFault as Fault, Settings } from './script.ts'
import type { Site } from './site.ts'

const timeLimit = 5000
const garbage = ['', 'Segmentation fault', '{"client_length": 1,"clients":{"02:66', '[1]', '{"clients":[]}']
const reading = new Set(['json', 'status', 'clients'])
// A program starts, and talks to the daemon.
const startMilliseconds = 5

export interface PortalLine {
  fault: Fault | undefined
  /** Until then the daemon is at a request that nobody waits for any more. */
  busyUntil: number
}

export function ndsctlOf(
  life: Life,
  site: Site,
  line: PortalLine,
  settings: Settings,
  dice: Dice,
  now: () => number,
): Ndsctl {
  const { flavour } = site.portal
  // Asked about one device, `{}` is an answer: the portal does not know it.
  const garbageFor = (args: readonly string[]) => dice.pick(args.length === 1 ? [...garbage, '{}'] : garbage)

  const timeOf = (args: readonly string[]): number =>
    settings.realistic
      ? startMilliseconds + site.portal.measuredMilliseconds(lineOf(args))
      : dice.between(2, settings.latencyMilliseconds)

  async function silent(args: readonly string[]): Promise<never> {
    const isDone = dice.chance(0.3)
    await life.call({ milliseconds: timeLimit, act: () => isDone && line.fault === 'hang' && void site.ask(args) })
    throw new PortalFault('portal-silent', 'no answer')
  }

  async function answered(args: readonly string[], timeLimit: number) {
    const wait = Math.max(0, line.busyUntil - now())
    const time = timeOf(args)
    const isTooSlow = wait + time > timeLimit
    if (isTooSlow) line.busyUntil = Math.max(line.busyUntil, now() + (wait < timeLimit ? wait + time : wait))
    if (wait >= timeLimit) return life.call({ milliseconds: timeLimit, act: tooSlow(args, timeLimit) })
    if (!reading.has(args[0] ?? '')) return ordered(args, wait + time)
    const ending = await life.call({ milliseconds: wait, act: () => site.ask(args) })
    const left = Math.min(time, timeLimit - wait)
    return life.call({ milliseconds: left, act: isTooSlow ? tooSlow(args, timeLimit) : () => told(ending) })
  }

  async function ordered(args: readonly string[], milliseconds: number) {
    const ending = await life.call({
      milliseconds,
      act: () => site.ask(args),
      torn: (part) => part > 0.5 && void site.ask(args),
    })
    return life.call({ milliseconds: 1, act: () => told(ending) })
  }

  const tooSlow = (args: readonly string[], limit: number) => () => {
    throw new PortalFault('portal-silent', `no answer to ndsctl ${args[0]} in ${limit} ms`)
  }

  // The daemon was stopped while the question was on its way, or says something strange.
  function told({ stdout, exitCode }: { stdout: string; exitCode: number }) {
    return { stdout: line.fault === 'not-a-number' ? notANumber(stdout) : stdout, exitCode }
  }

  const failed = (exitCode: number) => life.call({ milliseconds: 5, act: () => ({ stdout: '', exitCode }) })

  return async (args, extraMilliseconds = 0) => {
    const { fault } = line
    if (fault === 'hang') return silent(args)
    if (fault === 'busy') return flavour === 'nodogsplash' ? silent(args) : failed(4)
    if (!site.portal.running) return failed(3)
    if (fault === 'garbage' && args[0] === 'json') {
      return life.call({ milliseconds: 5, act: () => ({ stdout: garbageFor(args), exitCode: 0 }) })
    }
    if (fault === 'status-fails' && args[0] === 'status') return failed(2)
    if ((fault === 'refuse-auth' && args[0] === 'auth') || (fault === 'refuse-deauth' && args[0] === 'deauth')) {
      return failed(1)
    }
    return answered(args, timeLimit + extraMilliseconds)
  }
}

/** The kernel's ARP table, where the machine has one to read. */
export function neighboursOf(life: Life, site: Site, { hasNeighbours = true }: Settings): Neighbours {
  return async () => {
    const read = () => site.portal.neighbours().map(({ ip, mac }) => ({ ip, mac: mac as Mac }))
    return hasNeighbours ? life.call({ milliseconds: 1, act: read }) : undefined
  }
}

/** As the daemon gets it. */
const lineOf = ([command = '', ...parameters]: readonly string[]) =>
  parameters.length === 0 ? command : `${command} ${parameters.join(',')}`

// nodogsplash divides by a duration of zero; openNDS is told as it is.
function notANumber(stdout: string): string {
  return stdout.replaceAll(/("avg_(?:down|up)_speed":)\s*[^,}\s]+/g, '$1-nan')
}
