// The programs and rights that this machine lacks for the tests of the package, in one line that says what to do about it.
import { spawnSync } from 'node:child_process'

const programs = {
  debootstrap: 'debootstrap',
  'dpkg-deb': 'dpkg',
  lintian: 'lintian',
  nsenter: 'util-linux',
  strip: 'binutils',
  'systemd-analyze': 'systemd',
}

/** Why there can be none here, `undefined` when there can; in CI it must be. */
export function whyNoTests(): string | undefined {
  const why =
    lacking() ?? (process.getuid?.() === 0 ? undefined : 'not root: a Debian in a folder is made by root alone')
  if (why && process.env.CI) throw new Error(why)
  return why
}

function lacking(): string | undefined {
  const missing = Object.entries(programs).filter(([program]) => spawnSync('which', [program]).status !== 0)
  if (missing.length === 0) return undefined
  return `not installed: apt-get install --no-install-recommends ${missing.map(([, name]) => name).join(' ')}`
}
