// Knocks: connections that say nothing but an empty line, which costs the daemon nothing. The daemon accepts one connection a
// wake-up: when several come together, all but one stay in its queue, and it is that much behind until it is started again
// (nodogsplash #387). Knocks fill those places: a call that connects then moves a knock out, whose answer shows that a call waits.
import { connect, type Socket } from 'node:net'

export interface Knocks {
  /**
   * Resolves when the daemon answers knocks, so that the next call gets its turn: `absent` when there is no daemon, `blocked`
   * when no knock gets in, since others have taken every place in its queue or the socket is not ours to use.
   */
  answered(): Promise<Outcome>
  /** For a call that takes longer than usual: it may wait in the queue. */
  help(): void
  /** For a daemon that has just answered a call: a knock that still waits needs another one behind it. */
  settle(): void
}

export type Outcome = 'served' | 'absent' | 'blocked'

const emptyLine = '\r\n\r\n'
// listen(5) lets six wait: with them all are known, however many were left by an agent that died.
const places = 6
const firstPace = 150
const shortestPace = 400
const longestPace = 1500
const soon = 30

/** `slowest`: how long the daemon's slowest call usually takes, in milliseconds. */
export function createKnocks(path: string, slowest: () => number): Knocks {
  const parked = new Set<Socket>()
  let round: { over: Promise<Outcome> } | undefined
  let hasAnswered = false

  // A knock that arrives while the daemon is busy may stay in the queue for good: a slow daemon gets them slowly.
  const pace = () => (hasAnswered ? Math.min(longestPace, Math.max(shortestPace, 2 * slowest())) : firstPace)

  /** One knock that has to be answered, and as many behind it as that takes. */
  function startRound(firstPush = pace()): Promise<Outcome> {
    const over = new Promise<Outcome>((resolve) => {
      let timer = setTimeout(push, firstPush).unref()
      function push(): void {
        park()
        timer = setTimeout(push, pace()).unref()
      }
      function begin(): void {
        knock(path, (outcome) => {
          // A queue full of our own knocks moves when the daemon does, and only then has another try any use.
          if (outcome === 'blocked' && parked.size >= places - 1) setTimeout(begin, shortestPace).unref()
          else end(outcome)
        })
      }
      function end(outcome: Outcome): void {
        clearTimeout(timer)
        round = undefined
        hasAnswered ||= outcome === 'served'
        resolve(outcome)
      }
      begin()
    })
    round = { over }
    return over
  }

  function park(): void {
    if (parked.size >= places) return
    const socket = knock(path, (outcome) => {
      parked.delete(socket)
      if (outcome === 'served') moveOn()
    })
    parked.add(socket)
  }

  // A connection has come and moved a parked knock out: it waits itself, behind the others, and so will the round's own knock
  // behind it, which needs one more.
  function moveOn(): void {
    if (round) park()
    else void startRound(soon)
  }

  return {
    answered() {
      settle()
      return round?.over ?? startRound()
    },
    help: () => (round ? park() : void startRound()),
    settle,
  }

  function settle(): void {
    if (round) park()
  }
}

function knock(path: string, over: (outcome: Outcome) => void): Socket {
  let outcome: Outcome = 'served'
  const socket = connect(path)
  socket.unref()
  socket.write(emptyLine)
  socket.on('error', ({ code }: NodeJS.ErrnoException) => {
    if (code === 'ENOENT' || code === 'ECONNREFUSED') outcome = 'absent'
    else if (code !== 'ECONNRESET' && code !== 'EPIPE') outcome = 'blocked'
  })
  socket.on('close', () => over(outcome))
  return socket.resume()
}
