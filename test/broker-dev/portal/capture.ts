// The recorded answers of the real daemons, with the values that differ from run to run masked.
import { readdirSync, readFileSync } from 'node:fs'
import type { Ending } from '../../../broker-dev/portal/ndsctl.ts'

const folder = new URL('../../fixtures/captures/', import.meta.url)

export interface Capture extends Ending {
  args: string[]
}

export function capturesOf(daemon: string): string[] {
  const files = readdirSync(new URL(`${daemon}/`, folder))
  return [...new Set(files.map((file) => file.replace(/\.(cmd|stdout|stderr|exit)$/, '')))].sort()
}

export function readCapture(daemon: string, name: string): Capture {
  const read = (what: string) => readFileSync(new URL(`${daemon}/${name}.${what}`, folder), 'utf8')
  const [, ...args] = read('cmd').trimEnd().split(' ')
  // The only argument with a blank in it is the seventh and last of openNDS's `auth`.
  const last = args.slice(7).join(' ')
  return {
    args: [...args.slice(0, 7), ...(last ? [last] : [])],
    stdout: read('stdout'),
    stderr: read('stderr'),
    exitCode: Number(read('exit')),
  }
}

export function masked({ stdout, stderr, exitCode }: Ending): Ending {
  return { stdout: maskedText(stdout), stderr, exitCode }
}

function maskedText(text: string): string {
  return text
    .replace(/\b[0-9a-f]{8}\b/g, 'TOKEN')
    .replace(/\b17\d{8}\b/g, 'EPOCH')
    .replace(/[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}/g, 'DATE')
    .replace(/\((\d+[dhm] )*\d+s (ago|left)\)/g, '(DURATION $2)')
    .replace(/((?:speed|avg|average)"?[:=] ?"?)\d+\.\d\d/g, '$1AVERAGE')
    .replace(/^(Uptime|Total download|Total upload): [\dhms ]+/gm, '$1: VALUE ')
}
