// The daemon's one thread: requests one after the other, each in its time.
import { isReading, reply } from './daemon.ts'
import { serviceMilliseconds } from './latency.ts'
import type { World } from './world-state.ts'

/** One line of the daemon's socket, and its reply, as if it took no time. */
export function request({ daemon, stop }: World, line: string): string {
  if (!daemon) return ''
  if (line !== 'stop') return reply(daemon, line)
  stop()
  return ''
}

/** One line and its reply, in its turn and in the daemon's time; rejects with code ECONNREFUSED when the daemon is stopped by then. */
export async function serve(world: World, line: string): Promise<string> {
  const serving = world.daemon
  if (!serving) throw stopped()
  // A request that takes no time is served at once: the caller has its answer before anything else happens.
  if (!serving.thread.isLocked() && serviceMilliseconds(serving, line) === 0) return request(world, line)
  return serving.thread.runExclusive(async () => {
    const milliseconds = serviceMilliseconds(serving, line)
    // The daemons read their counters first, then they print; an order takes effect at the end.
    const read = isReading(line) && world.daemon === serving ? request(world, line) : undefined
    await world.settings.sleep(milliseconds)
    if (world.daemon !== serving) throw stopped()
    return read ?? request(world, line)
  })
}

/** Another program's request takes the daemon so long. */
export async function occupy(world: World, milliseconds: number): Promise<void> {
  await world.daemon?.thread.runExclusive(async () => {
    world.occupied = true
    await world.settings.sleep(milliseconds)
    world.occupied = false
  })
}

const stopped = () => Object.assign(new Error('the daemon is stopped'), { code: 'ECONNREFUSED' })
