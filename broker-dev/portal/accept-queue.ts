// The daemon's accept queue: who has connected and is not accepted yet, and what it takes to be (nodogsplash #387).

// listen(5) lets six wait; who comes then waits in connect() until there is room. (A caller that does not block, such as
// Node, is told EAGAIN instead, which a mock written in Node cannot say.)
const places = 6

/** `isWedging`: connections since the last look are one wake-up, which accepts one; else all of them are accepted. */
export function createAcceptQueue<Caller>(isWedging: () => boolean) {
  const queue: Caller[] = []
  const connecting: Caller[] = []
  let isWoken = false

  function arrive(caller: Caller): void {
    if (queue.length < places || !isWedging()) {
      queue.push(caller)
      isWoken = true
    } else connecting.push(caller)
  }

  /** Those whose turn it is now; whoever gets a place by it wakes the daemon again. */
  function accept(): Caller[] {
    if (!isWedging()) return [...queue.splice(0), ...connecting.splice(0)]
    if (!isWoken) return []
    isWoken = false
    const accepted = queue.splice(0, 1)
    const next = connecting.shift()
    if (next !== undefined) arrive(next)
    return accepted
  }

  return { arrive, accept }
}
