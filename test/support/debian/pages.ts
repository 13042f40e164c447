// The commands of a page, as a person reads them: the blocks marked `sh` below a heading.
import { readFileSync } from 'node:fs'

export function commandsIn(page: string, heading: string): string[] {
  const sections = readFileSync(page, 'utf8').split(/^#{2,3} /m)
  const section = sections.find((text) => text.startsWith(`${heading}\n`))
  const blocks = [...(section ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block)
  if (blocks.length === 0) throw new Error(`${page} has no commands below ${heading}`)
  return blocks
}
