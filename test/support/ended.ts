// Ends a child process by a signal, and waits until it has ended.
import type { ChildProcess } from 'node:child_process'

/** Resolves with the exit code; null for a process that a signal ended. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return exit
}
