// Debian's Python with what Debian has for it: another Python that comes first in PATH would not know its packages.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export const python = existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3'

/** Whether a module is missing; in CI that is an error. */
export function isMissing(module: string, debianPackage: string): boolean {
  if (spawnSync(python, ['-c', `import ${module}`]).status === 0) return false
  if (process.env.CI) throw new Error(`${debianPackage} is not installed`)
  return true
}
