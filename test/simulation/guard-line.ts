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

/** How the rest of the simulated world follows what is done with the kernel's table. */
export interface GuardFollower {
  /** Everything that has passed by now is to be counted. */
  touch(): void
  wasRead(): void
  /** Addresses that the kernel had cut and cuts no more. */
  letGo(ips: readonly string[]): void
}

export function guardOn(
  life: Life,
  kernel: Kernel,
  line: GuardLine,
  latency: number,
  dice: Dice,
  follower: GuardFollower,
): Guard {
  async function takes(): Promise<void> {
    const milliseconds = line.fault === 'slow' ? slowMilliseconds : dice.between(2, latency)
    // Until now the kernel had its old table.
    await life.call({ milliseconds, act: follower.touch })
    if (line.fault === 'refused') throw new GuardFault('guard-refused', 'Operation not permitted')
  }

  const guard = guardOf(kernel, takes)
  return {
    ...guard,
    async read() {
      const table = await guard.read()
      follower.wasRead()
      return table
    },
    async change(changes, isNew) {
      await takes()
      const released = changes.flatMap((one) => (one.do === 'release' && kernel.isCut(one.ip) ? one.ip : []))
      kernel.change(changes, isNew)
      follower.letGo(released)
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
