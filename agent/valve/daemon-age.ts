// How long the portal's daemon has been running, by the age of its socket: it makes a new one at every start.
import { stat } from 'node:fs/promises'

/** Milliseconds since the daemon was started; `undefined` where its socket cannot be seen. */
export type DaemonAge = () => Promise<number | undefined>

export function ageOfSocket(path: string, wall: () => number): DaemonAge {
  return async () => {
    const made = await stat(path).catch(() => undefined)
    return made && Math.max(0, wall() - made.mtimeMs)
  }
}
