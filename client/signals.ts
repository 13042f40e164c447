// Signals that many wait for, and one signal from several. Node 20's own `AbortSignal.any` may be collected while somebody waits for it, and then never aborts.

import { setMaxListeners } from 'node:events'

/** Many calls at a time may listen to one signal: Node takes more than ten for a leak and says so on standard error. */
export function manyListen<S extends AbortSignal | undefined>(signal: S): S {
  if (signal) setMaxListeners(0, signal)
  return signal
}

/** A controller whose signal many calls may listen to. */
export function sharedControl(): AbortController {
  const control = new AbortController()
  manyListen(control.signal)
  return control
}

/** Aborts with the first of them; `release` lets go of the others. */
export function firstOf(...signals: (AbortSignal | undefined)[]): { signal: AbortSignal; release(): void } {
  const control = sharedControl()
  const given = signals.filter((signal) => signal !== undefined)
  const listeners = given.map((signal) => () => control.abort(signal.reason))
  for (const [index, signal] of given.entries()) {
    if (signal.aborted) control.abort(signal.reason)
    else signal.addEventListener('abort', listeners[index] as () => void)
  }
  function release(): void {
    for (const [index, signal] of given.entries()) signal.removeEventListener('abort', listeners[index] as () => void)
  }
  return { signal: control.signal, release }
}
