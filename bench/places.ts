// Where the programs of this build are, and where a figure may put its files.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stage } from './figure.ts'

/** The bench is itself one of the programs in dist/. */
export const distFolder = import.meta.dirname
export const programFile = (name: string): string => join(distFolder, `${name}.js`)

/** Gone when the figure is over. */
export function temporaryFolder(stage: Stage): string {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-bench-'))
  stage.afterwards(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
