// Bundles the agent that dies into one file, as build.mjs does with the real one.
import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** The bundled program. Run it from the project's folder. */
export function bundleAgentThatDies(): string {
  const program = join(mkdtempSync(join(tmpdir(), 'tollgate-crash-')), 'agent-that-dies.mjs')
  const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"
  execFileSync(resolve('node_modules/.bin/esbuild'), [
    'test/crash/agent-that-dies-main.ts',
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
