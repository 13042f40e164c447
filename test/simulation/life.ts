// One life of the agent's process: what it calls takes effect while it lives, and never after; it may be killed at any call.
import type { Clock } from '../../agent/time/clock.ts'
import type { Machine } from './machine.ts'
import type { VirtualTime } from './virtual-time.ts'

/** Where a call finds the agent dead: nothing of it done, some of it, or all of it and never answered. */
export type KillPhase = 'before' | 'during' | 'after'

export interface Call<T> {
  milliseconds: number
  /** The effect, when its time has come. */
  act: () => T
  /** The part of it that happens when the agent dies meanwhile; the part is in [0, 1]. */
  torn?: (part: number) => void
}

export interface Life {
  readonly alive: boolean
  readonly clock: Clock
  /** One call into the world. Of a dead agent none has an effect, and none is answered. */
  call<T>(call: Call<T>): Promise<T>
  /** Counts as a call that is answered elsewhere; false when the agent died before it. */
  counts(): boolean
  /** For whatever else the world does for this agent: nothing once it is dead. */
  after(milliseconds: number, run: () => void): () => void
  /** Dies at the call of that number from now, counted from 1. */
  killAt(call: number, phase: KillPhase): void
  die(): void
}

/** `part` says how much of a call is done when the agent dies in it; `died` is told once. */
export function createLife(time: VirtualTime, machine: Machine, part: () => number, died: () => void): Life {
  let alive = true
  let killAt: { calls: number; phase: KillPhase } | undefined
  const inFlight = new Set<Call<unknown>>()

  function after(milliseconds: number, run: () => void): () => void {
    return time.after(milliseconds, () => {
      if (alive) run()
    })
  }

  function die(): void {
    if (!alive) return
    alive = false
    for (const call of inFlight) call.torn?.(part())
    died()
  }

  function dueKill(): KillPhase | undefined {
    if (!killAt || --killAt.calls > 0) return undefined
    const { phase } = killAt
    killAt = undefined
    return phase
  }

  function call<T>(wanted: Call<T>): Promise<T> {
    if (!alive) return never()
    const phase = dueKill()
    if (phase === 'before') {
      die()
      return never()
    }
    if (phase === 'during') after(wanted.milliseconds / 2, die)
    inFlight.add(wanted)
    return new Promise((resolve, reject) => {
      after(wanted.milliseconds, () => {
        inFlight.delete(wanted)
        try {
          const answer = wanted.act()
          if (phase === 'after') return die()
          resolve(answer)
        } catch (err) {
          reject(err)
        }
      })
    })
  }

  function counts(): boolean {
    if (!alive) return false
    const phase = dueKill()
    if (phase === 'before') die()
    else if (phase !== undefined) after(phase === 'during' ? 10 : 60, die)
    return alive
  }

  const { bootId, bootedAt } = machine
  const clock: Clock = {
    bootId,
    monotonic: () => time.now - bootedAt,
    wall: () => machine.wall(),
    synced: () => machine.synced,
    sleep(milliseconds, signal) {
      if (milliseconds <= 0 || signal?.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const cancel = after(milliseconds, () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        })
        const abort = () => {
          cancel()
          resolve()
        }
        signal?.addEventListener('abort', abort, { once: true })
      })
    },
  }

  return {
    get alive() {
      return alive
    },
    clock,
    call,
    counts,
    after,
    killAt: (calls, phase) => {
      killAt = { calls, phase }
    },
    die,
  }
}

const never = <T>(): Promise<T> => new Promise(() => {})
