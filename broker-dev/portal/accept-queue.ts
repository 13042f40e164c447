// The daemon's accept queue: callers that have connected and are not accepted yet (nodogsplash #387).

// listen(5) lets six wait; a further caller waits in connect() until there is room, or is told EAGAIN.
const places = 6

/** `isWedging`: connections since the last look are one wake-up, which accepts one; else all of them are accepted. */
export function createAcceptQueue<Caller>(isWedging: () => boolean) {
  const queue: Caller[] = []
  const connecting: Caller[] = []
  let isWoken = false

  const isFull = () => isWedging() && queue.length >= places

  function arrive(caller: Caller): void {
    if (isFull()) connecting.push(caller)
    else {
      queue.push(caller)
      isWoken = true
    }
  }

  /** A caller that waits in connect() comes after those who wait already. */
  function wait(caller: Caller): void {
    if (connecting.length > 0) connecting.push(caller)
    else arrive(caller)
  }

  /** Those whose turn it is now. */
  function accept(): Caller[] {
    if (!isWedging()) return [...queue.splice(0), ...connecting.splice(0)]
    if (!isWoken) return []
    isWoken = false
    return queue.splice(0, 1)
  }

  /** A caller that waits in connect() takes a place that has become free, and wakes the daemon again. */
  function letIn(): void {
    for (const caller of connecting.splice(0, Math.max(0, places - queue.length))) arrive(caller)
  }

  return { arrive, wait, accept, letIn, isFull }
}
