// The licences of what is inside the package's two bundles, each with its own text as they ask.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One text for all; throws for a package that has no licence to show, since it may then not be given on. */
export function licencesOf(folders: readonly string[]): string {
  return [...folders].sort().map(noticeOf).join('\n')
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  const file = readdirSync(folder).find((candidate) => /^(licen[cs]e|copying)/i.test(candidate))
  if (typeof license !== 'string') throw new Error(`${folder} names no licence`)
  const text =
    file === undefined
      ? `No text of it is in the package; its package.json says ${license}.\n`
      : readFileSync(join(folder, file), 'utf8')
  return `=== ${name} ${version}: ${license}\n\n${text.trim()}\n`
}
