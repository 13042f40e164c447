// A folder with those above it, for files that a command writes.
import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** Node's own recursive mkdir never ends below /proc, where nothing can be made. `mode`: of the folder itself. */
export function makeFolder(folder: string, mode?: number): void {
  const path = resolve(folder)
  const make = () => mkdirSync(path, mode)
  try {
    make()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    makeFolder(dirname(path))
    make()
  }
}
