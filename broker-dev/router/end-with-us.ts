// Ends a child process when this one is gone, however it went: a closed terminal or a SIGKILL leaves nobody to stop it.
import { type ChildProcess, spawn } from 'node:child_process'

/** A shell waits for the end of a pipe that only this process holds open, and tells the child to stop. */
export function endWithUs(child: ChildProcess): void {
  const script = 'read -r _; kill -TERM "$0" 2>/dev/null'
  const watcher = spawn('sh', ['-c', script, String(child.pid)], {
    // A signal to everybody in the terminal must not take the watcher first.
    ...{ detached: true, stdio: ['pipe', 'ignore', 'ignore'] },
  })
  watcher.once('error', () => {})
  watcher.unref()
  // The child is over: its number may be somebody else's soon.
  child.once('exit', () => watcher.kill('SIGKILL'))
}
