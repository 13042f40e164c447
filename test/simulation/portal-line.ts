// `ndsctl` as one life of the agent meets it: slow, cut off when the agent dies, and wrong while a fault lasts.

import { PortalFault } from '../../agent/valve/fault.ts'
import type { Ndsctl } from '../../agent/valve/ndsctl.ts'
import type { Dice } from './dice.ts'
import type { Life } from './life.ts'
import type { PortalFault as Fault } from './script.ts'
import type { Site } from './site.ts'

const timeLimit = 5000
const garbage = ['', 'Segmentation fault', '{"client_length": 1,"clients":{"02:66', '[1]', '{"clients":[]}']

export interface PortalLine {
  fault: Fault | undefined
}

export function ndsctlOf(life: Life, site: Site, line: PortalLine, slowest: number, dice: Dice): Ndsctl {
  // Asked about one device, `{}` is an answer: the portal does not know it.
  const garbageFor = (args: readonly string[]) => dice.pick(args.length === 1 ? [...garbage, '{}'] : garbage)
  const run = (args: readonly string[]) => site.change(() => site.ask([...args]))

  async function silent(args: readonly string[]): Promise<never> {
    const isDone = dice.chance(0.3)
    await life.call({ milliseconds: timeLimit, act: () => isDone && line.fault === 'hang' && void run(args) })
    if (args[0] === 'deauth') site.shutUnanswered()
    throw new PortalFault('portal-silent', 'no answer')
  }

  async function answered(args: readonly string[]) {
    const milliseconds = dice.between(2, slowest) / 2
    const ending = await life.call({
      milliseconds,
      act: () => run(args),
      torn: (part) => part > 0.5 && void run(args),
    })
    const reading = args[0] === 'json' ? site.reading(ending.stdout) : []
    const isAll = args[0] === 'json' && args.length === 1
    return life.call({
      milliseconds,
      act: () => {
        const stdout = line.fault === 'not-a-number' ? notANumber(ending.stdout) : ending.stdout
        // The daemon was stopped while the question was on its way.
        if (ending.exitCode === 3) {
          site.shownDown()
          unanswered(args)
        } else if (isAll) site.shown(reading)
        else if (args[0] === 'json') site[site.portal.flavour === 'nodogsplash' ? 'shownOne' : 'shownSome'](reading)
        else if (args[0] === 'deauth') site.shutAnswered()
        return { stdout, exitCode: ending.exitCode }
      },
    })
  }

  const failed = (exitCode: number, act = () => {}) =>
    life.call({
      milliseconds: 5,
      act: () => {
        act()
        return { stdout: '', exitCode }
      },
    })

  return async (args) => {
    const { fault } = line
    if (fault === 'hang') return silent(args)
    if (fault === 'busy') return site.portal.flavour === 'nodogsplash' ? silent(args) : failedAt(4, args)
    if (!site.portal.running) return failed(3, site.shownDown).finally(() => unanswered(args))
    if (fault === 'garbage' && args[0] === 'json') {
      return life.call({ milliseconds: 5, act: () => ({ stdout: garbageFor(args), exitCode: 0 }) })
    }
    if ((fault === 'refuse-auth' && args[0] === 'auth') || (fault === 'refuse-deauth' && args[0] === 'deauth')) {
      return failed(1)
    }
    return answered(args)
  }

  function failedAt(exitCode: number, args: readonly string[]) {
    return failed(exitCode).finally(() => unanswered(args))
  }

  function unanswered(args: readonly string[]): void {
    if (args[0] === 'deauth') site.shutUnanswered()
  }
}

// nodogsplash divides by a duration of zero; openNDS is told as it is.
function notANumber(stdout: string): string {
  return stdout.replaceAll(/("avg_(?:down|up)_speed":)\s*[^,}\s]+/g, '$1-nan')
}
