// The peer: a session kept as the Go module keeps it. Every two seconds it asks for that one device, and shuts its gate
// when it finds the allotment used.
import { setTimeout as sleepFor } from 'node:timers/promises'

export const pollMilliseconds = 2000

interface Polled {
  mac: string
  allotment: number
  /** When its first tick comes. */
  firstTickIn: number
}

/** Opens the gate; resolves when it has shut it. `ask` puts one command of ndsctl to the portal. */
export async function keepByPolling(ask: (command: string) => Promise<string>, session: Polled): Promise<void> {
  const { mac, allotment, firstTickIn } = session
  await ask(`auth ${mac}`)
  let next = performance.now() + firstTickIn
  do {
    await sleepFor(next - performance.now())
    next += pollMilliseconds
  } while (usedIn(await ask(`json ${mac}`)) < allotment)
  await ask(`deauth ${mac}`)
}

function usedIn(answer: string): number {
  const { downloaded, uploaded } = JSON.parse(answer) as { downloaded: number; uploaded: number }
  return (downloaded + uploaded) * 1000
}
