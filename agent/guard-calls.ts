// Calls of the guard: one at a time, and nobody waits long for one. Says whether the kernel guards, and if not, why.
import type { LiveStatus } from '../protocol/index.ts'
import type { Log } from './log.ts'
import type { Clock } from './time/clock.ts'
import { GuardFault } from './valve/guard/guard.ts'

export interface GuardCalls {
  /** `undefined` when it fails, when it takes longer than anybody waits, or while an earlier one is out. */
  make<T>(call: () => Promise<T>): Promise<T | undefined>
  state: LiveStatus['guard']['state']
  /** A sentence for a person, where something is wrong. */
  readonly warning: string | undefined
  /** Failures running. */
  readonly failures: number
}

export type GuardUse = 'auto' | 'nftables' | 'off'

// The longest that gates and looks wait for the kernel; while a call is out for longer, nobody waits for it.
const patience = 500
const mostFailures = 3
const tooLate = Symbol('nobody waits any more')

/** `use`: with `nftables` a kernel that does not guard is something wrong. `unsure`: what the kernel has is not known any more. */
export function createGuardCalls(clock: Clock, use: GuardUse, log: Log, unsure: () => void): GuardCalls {
  let state: GuardCalls['state'] = 'off'
  let warning: string | undefined
  let isOut = false
  let failures = 0

  function succeeded<T>(value: T): { value: T } {
    failures = 0
    if (state === 'refused' || state === 'off') log.info({}, "the router's kernel guards what is bought")
    if (state !== 'lost') state = 'active'
    warning = undefined
    return { value }
  }

  function failed(err: unknown): undefined {
    if (!(err instanceof GuardFault)) log.error({ err }, 'the guard failed')
    failures++
    unsure()
    if (state === 'active' && failures < mostFailures) return
    const isMissing = err instanceof GuardFault && err.code === 'guard-missing'
    const isSaid = use === 'nftables' || !isMissing
    if (state !== 'refused' && isSaid) log.warn({ err }, 'the kernel does not guard: everything goes on without it')
    state = isSaid ? 'refused' : 'off'
    const isForeign = err instanceof GuardFault && err.code === 'guard-foreign'
    const why = err instanceof Error ? err.message : String(err)
    warning = use === 'nftables' || isForeign ? `${notCutting}: ${why}` : undefined
  }

  return {
    async make(call) {
      if (isOut) return undefined
      isOut = true
      const done = new AbortController()
      const ended = call()
        .then(succeeded, failed)
        .finally(() => {
          isOut = false
          // Without a reason each abort would make an exception, with its stack.
          done.abort('answered')
        })
      const first = await Promise.race([ended, clock.sleep(patience, done.signal).then(() => tooLate)])
      const told = first === tooLate && done.signal.aborted ? await ended : first
      if (told !== tooLate) return (told as { value: never } | undefined)?.value
      log.debug({}, 'the guard takes long: nothing waits for it')
      unsure()
      return undefined
    },
    get state() {
      return state
    },
    set state(to) {
      state = to
    },
    get warning() {
      return warning
    },
    get failures() {
      return failures
    },
  }
}

const notCutting = 'the kernel does not cut by itself, so the agent does, by looking'
