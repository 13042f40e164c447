// Makes V8 spend time rather than memory: a router has little memory, and the agent sleeps most of its life.
import { setFlagsFromString } from 'node:v8'

// Node's own modules come compiled, but only for the flags it was started with: those of a start are loaded by then.
const afterStart = 1000

// From this many events on, a start that reads the journal and publishes what the broker lacks would take half as much memory again.
const largeJournal = 2000

/**
 * Before the start: optimised code gains little here, making it takes 10 MB that the system does not get back, and the compiler alone is
 * 4 MB of Node's own file.
 */
export function makeNoOptimisedCode(): void {
  setFlagsFromString('--no-opt')
}

/**
 * From soon after the start on, and at once where the journal, of that many events, is large. They are read at every
 * collection, and known from Node 20 to 26.
 */
export function keepHeapLean(heldEvents: number): void {
  const keep = () => {
    // New objects get 1 MB, as at the start, and not up to 32.
    setFlagsFromString('--semi-space-growth-factor=1')
    // Collects before it asks the system for more.
    setFlagsFromString('--optimize-for-size')
  }
  if (heldEvents >= largeJournal) keep()
  else setTimeout(keep, afterStart).unref()
}
