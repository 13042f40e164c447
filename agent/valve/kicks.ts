// Kicks: further connections that move a daemon's accept queue on. The daemon accepts one connection a wake-up: those that
// come together stay queued until others connect, who then wait in their place for ever (nodogsplash #387).
import { connect } from 'node:net'

/** When to kick: after so many milliseconds, and then every so many. */
export interface Pause {
  first: number
  next: number
}

const shortest = 50
const patience = 500
const suspicion = 400

/**
 * For a queue that is behind: kicks no faster than the slowest answer, since two kicks during one answer put the queue behind
 * again. `wasBehind`: it was so at the latest call, and a queue stays behind; otherwise the daemon is given time first, since
 * one that is only busy is put behind by a kick.
 */
export function paceOf(slowestMilliseconds: number, wasBehind: boolean): Pause {
  const next = Math.max(shortest, slowestMilliseconds)
  return { first: wasBehind ? shortest : Math.max(suspicion, next), next: wasBehind ? next : Math.max(suspicion, next) }
}

/** A single one, for a daemon that has just opened: whatever takes longer than usual. */
export function onceAfter(usualMilliseconds: number): Pause {
  return { first: 2 * usualMilliseconds + patience, next: Number.POSITIVE_INFINITY }
}

export interface Kicks {
  readonly count: number
  /** When the latest came, as `performance.now` has it. */
  readonly latestAt: number
  stop(): void
}

export function startKicks(path: string, pause: Pause): Kicks {
  let count = 0
  let latestAt = 0
  let timer = setTimeout(kickOn, pause.first)

  function kickOn(): void {
    kick(path)
    count++
    latestAt = performance.now()
    if (Number.isFinite(pause.next)) timer = setTimeout(kickOn, pause.next)
  }

  return {
    get count() {
      return count
    },
    get latestAt() {
      return latestAt
    },
    stop: () => clearTimeout(timer),
  }
}

// Opens a connection, says nothing, and closes it before the next one.
function kick(path: string): void {
  const socket = connect(path)
  socket.on('error', () => {})
  setTimeout(() => socket.destroy(), shortest / 2)
}
