// Answers of the portal's daemon: one question each, tried again while the daemon serves somebody else.
import type { Clock } from '../time/clock.ts'
import type { Ndsctl } from './ndsctl/exec.ts'
import { PortalFault } from './portal-fault.ts'

export interface Answers {
  /** Any answer, also a no. */
  ask(args: readonly string[], extraMilliseconds?: number): Promise<{ stdout: string; exitCode: number }>
  /** The text of an answer; a no is a fault. */
  askText(args: readonly string[], extraMilliseconds?: number): Promise<string>
}

// Exit code 4: another ndsctl is being served.
const busyPauses = [50, 100, 200, 400, 800]

/** Both throw {@link PortalFault}. */
export function createAnswers(ndsctl: Ndsctl, clock: Pick<Clock, 'sleep'>): Answers {
  const ask: Answers['ask'] = async (args, extraMilliseconds = 0) => {
    for (const pause of [...busyPauses, undefined]) {
      const answer = await ndsctl(args, extraMilliseconds)
      if (answer.exitCode === 3) throw new PortalFault('portal-down', 'the portal is not running')
      if (answer.exitCode !== 4) return answer
      if (pause === undefined) break
      await clock.sleep(pause)
    }
    throw new PortalFault('portal-busy', `the portal was busy at ${busyPauses.length + 1} tries`)
  }

  return {
    ask,
    async askText(args, extraMilliseconds) {
      const { stdout, exitCode } = await ask(args, extraMilliseconds)
      if (exitCode !== 0) throw new PortalFault('ndsctl-failed', `ndsctl ${args.join(' ')} ended with ${exitCode}`)
      return stdout
    },
  }
}
