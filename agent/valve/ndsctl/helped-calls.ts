// Calls that get their turn: the daemon's queue is made to move before each of them, and again for one that takes long.
import { PortalFault } from '../portal-fault.ts'
import { createKnocks } from './knocks.ts'
import { createUsualTimes } from './usual-times.ts'

/** `isThere`: whether there is a daemon at all. `portal-silent` where it answers no knock within those milliseconds. */
export type HelpedCall = <Answer>(
  args: readonly string[],
  milliseconds: number,
  call: (isThere: boolean) => Promise<Answer>,
) => Promise<Answer>

const patience = 500

/** Helps along calls to the daemon that listens at that path; they come one at a time. */
export function helpCalls(path: string): HelpedCall {
  const usual = createUsualTimes()
  const knocks = createKnocks(path, () => usual.slowest)

  return async (args, milliseconds, call) => {
    if ((await inTime(knocks.answered(), path, milliseconds)) === 'absent') return call(false)
    const began = performance.now()
    const help = setTimeout(knocks.help, 2 * usual.of(args) + patience)
    try {
      const answer = await call(true)
      knocks.settle()
      usual.took(args, performance.now() - began)
      return answer
    } finally {
      clearTimeout(help)
    }
  }
}

async function inTime<T>(promise: Promise<T>, path: string, milliseconds: number): Promise<T> {
  let limit: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new PortalFault('portal-silent', `no answer from ${path} in time`))
    limit = setTimeout(giveUp, milliseconds)
  })
  return Promise.race([promise, over]).finally(() => clearTimeout(limit))
}
