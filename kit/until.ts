// Waits for something outside this program to become true, but never longer than a limit.
import { setTimeout as sleepFor } from 'node:timers/promises'

/** Whether it is so in time; asked again and again, with that pause between. */
export async function until(isSo: () => boolean | Promise<boolean>, milliseconds = 3000, pause = 20): Promise<boolean> {
  const end = performance.now() + milliseconds
  for (;;) {
    if (await isSo()) return true
    if (performance.now() >= end) return false
    await sleepFor(pause)
  }
}
