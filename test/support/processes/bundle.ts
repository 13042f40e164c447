// Bundles a program of the tests into one file, as build.mjs does with the real ones.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'

/** The bundled program, in a folder of its own. Run it from the project's folder. */
export function bundle(entry: string): string {
  const program = join(mkdtempSync(join(tmpdir(), 'tollgate-bundle-')), basename(entry).replace(/\.ts$/, '.mjs'))
  const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  execFileSync(resolve('node_modules/.bin/esbuild'), [
    entry,
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--target=node20',
    '--log-level=warning',
    `--banner:js=${js}`,
    `--outfile=${program}`,
  ])
  return program
}
