// The one clock: durations from the monotonic counter of this boot, labels from the wall.
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { builtAt } from '../version.ts'
import { createKernelClock, type KernelClock } from './kernel-clock.ts'
import type { Now } from './moment.ts'

export interface Clock {
  /** Names the boot that `monotonic` counts from. */
  readonly bootId: string
  /** Milliseconds since boot; never goes back within one boot, and is the same for every process of it. */
  monotonic(): number
  /** Milliseconds since 1970 as the wall clock has them: for labels and other people's deadlines only. */
  wall(): number
  /** Whether the wall clock can be believed. */
  synced(): boolean
  /** Finds out what the first `synced` needs. */
  prepare?(): Promise<void>
  /** Resolves after that time, or as soon as the signal aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>
}

// setTimeout fires at once above 2^31-1 ms.
const longestTimer = 2 ** 31 - 1

// A kernel that has learned the time, or lost it, is noticed so soon.
const askAgainAfter = 60_000

/** The machine's own clock. `process.hrtime` counts from boot, so metering goes on across a restart of the agent. */
export function systemClock(kernel: KernelClock = createKernelClock()): Clock {
  let askedAt = Number.NEGATIVE_INFINITY
  const systemdSaysUnsynchronised = systemdWord()

  function isUnsynchronised(): boolean {
    if (performance.now() - askedAt >= askAgainAfter) void ask()
    return kernel.isSynced === undefined ? systemdSaysUnsynchronised() : !kernel.isSynced
  }

  function ask(): Promise<void> {
    askedAt = performance.now()
    return kernel.ask()
  }

  return {
    prepare: ask,
    bootId: bootIdOf(),
    monotonic: () => Number(process.hrtime.bigint() / 1_000_000n),
    wall: () => Date.now(),
    synced: () => Date.now() >= builtAt && !isUnsynchronised(),
    sleep: longSleep,
  }
}

/** Sleeps for any time, in parts, since one timer holds 24 days at most; never rejects. */
export async function longSleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  for (let left = milliseconds; left > 0 && !signal?.aborted; left -= longestTimer) {
    await sleepFor(Math.min(left, longestTimer), undefined, signal ? { signal } : {}).catch(() => {})
  }
}

// Where the system does not name its boots, every start counts as one: time lots are then not charged across a restart.
function bootIdOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return randomUUID()
  }
}

/** Reads the clock once, for one decision. */
export function nowOf(clock: Clock): Now {
  return { bootId: clock.bootId, at: clock.monotonic(), wall: clock.wall(), clockSynced: clock.synced() }
}

/** Looks once a second at most: a flood of messages asks for the time thousands of times. */
function systemdWord(): () => boolean {
  let saidAt = Number.NEGATIVE_INFINITY
  let isUnsynchronised = false
  return () => {
    if (performance.now() - saidAt < 1000) return isUnsynchronised
    saidAt = performance.now()
    // systemd-timesyncd makes this directory when it runs and this file when the clock is set; elsewhere neither exists.
    isUnsynchronised = existsSync('/run/systemd/timesync') && !existsSync('/run/systemd/timesync/synchronized')
    return isUnsynchronised
  }
}
