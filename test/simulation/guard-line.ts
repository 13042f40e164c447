// The guard as one life of the agent meets it: each call takes its time, is cut off when the agent dies, and fails while a fault
// lasts. The kernel goes on whether anybody lives or not.
import { type Guard, GuardFault } from '../../agent/valve/guard/guard.ts'
import { guardOf, type Kernel } from '../support/a-kernel.ts'
import type { Dice } from './dice.ts'
import type { Life } from './life.ts'
import type { GuardFault as Fault } from './script.ts'

export interface GuardLine {
  fault: Fault | undefined
}

const slowMilliseconds = 4000

/** `wasRead`: told of every reading of the kernel's table. */
export function guardOn(
  life: Life,
  kernel: Kernel,
  line: GuardLine,
  latency: number,
  dice: Dice,
  wasRead: () => void,
): Guard {
  async function takes(): Promise<void> {
    const milliseconds = line.fault === 'slow' ? slowMilliseconds : dice.between(2, latency)
    await life.call({ milliseconds, act: () => {} })
    if (line.fault === 'refused') throw new GuardFault('guard-refused', 'Operation not permitted')
  }

  const guard = guardOf(kernel, takes)
  return {
    ...guard,
    async read() {
      const table = await guard.read()
      wasRead()
      return table
    },
    watch: (listener) =>
      guard.watch({
        cut: (ips) => void (isHeard() && life.after(dice.between(1, 5), () => listener.cut(ips))),
        damaged: () => void (isHeard() && life.after(dice.between(1, 5), () => listener.damaged())),
      }),
  }

  function isHeard(): boolean {
    return life.alive && line.fault !== 'deaf'
  }
}
