// One process at a time writes an outbox. It listens on a socket that bears the folder's identity; the kernel shuts it with the
// process, so no lock outlives a crash.
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { FleetError } from '../errors.ts'

/** Resolves with what gives the folder up; throws `store-locked` when a living process has it. Linux only: elsewhere the owner
 * sees to it that one process uses a folder. */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  if (process.platform !== 'linux') return async () => {}
  const { dev, ino } = await stat(folder)
  const server = createServer((socket) => socket.destroy())
  server.unref()
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new FleetError('store-locked', `the folder ${folder} is in use by another process: give each its own`, cause),
      ),
    )
    server.listen(`\0tollgate-outbox-${dev}-${ino}`, resolve)
  })
  return () => new Promise((resolve) => server.close(() => resolve()))
}
