// The programs and rights that this machine lacks for the tests of the package, in one line that says what to do about it.
import { spawnSync } from 'node:child_process'

const programs = {
  'dpkg-deb': 'dpkg',
  lintian: 'lintian',
  strip: 'binutils',
  'systemd-analyze': 'systemd',
}

/** Why there can be none here, `undefined` when there can; in CI it must be. */
export function whyNoTests(): string | undefined {
  const lacking = Object.entries(programs).filter(([program]) => spawnSync('which', [program]).status !== 0)
  if (lacking.length === 0) return undefined
  const why = `not installed: apt-get install --no-install-recommends ${lacking.map(([, name]) => name).join(' ')}`
  if (process.env.CI) throw new Error(why)
  return why
}
