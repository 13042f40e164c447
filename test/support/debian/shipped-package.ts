// The package that `npm run package` has made last, and others made of it.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

export const shippedVersion: string = version
export const shippedPackage = (): string => resolve(`dist/packages/tollgate-fleet_${version}_amd64.deb`)

/** Puts its files into a folder, and says how its agent is run there. */
export function unpackAgent(folder: string): string[] {
  execFileSync('dpkg-deb', ['--extract', shippedPackage(), folder])
  return ['node', 'agent.js'].map((name) => join(folder, 'usr/lib/tollgate-fleet', name))
}

/** The same package as another version, in that folder. */
export function asVersion(other: string, folder: string): void {
  const tree = mkdtempSync(join(tmpdir(), 'tollgate-version-'))
  const file = join(folder, `tollgate-fleet_${other}_amd64.deb`)
  execFileSync('dpkg-deb', ['--raw-extract', shippedPackage(), tree])
  execFileSync('sed', ['--in-place', `s/^Version: .*/Version: ${other}/`, join(tree, 'DEBIAN/control')])
  execFileSync('dpkg-deb', ['--root-owner-group', '-Znone', '--build', tree, file], { stdio: 'ignore' })
  rmSync(tree, { recursive: true })
}
