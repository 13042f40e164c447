// Proves that the package is the same bytes wherever it is made, that Debian's checker has nothing against it, and how far the unit
// lets the agent reach.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { whyNoTests } from '../support/debian/missing-programs.ts'
import { shippedPackage } from '../support/debian/shipped-package.ts'

const missing = whyNoTests()
if (missing) it.skip(`the package: ${missing}`)

const sha256 = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')

describe.skipIf(missing)('the package', () => {
  it('is the same bytes from another folder, under another mask and time zone', () => {
    // On the disk of this one, so that links do for its packages.
    const folder = mkdtempSync(resolve('dist/again-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const copy = `
      git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t ${folder}
      mkdir ${folder}/node_modules
      cp -al node_modules/[!.]* ${folder}/node_modules/`
    execFileSync('sh', ['-ec', copy])
    const epoch = execFileSync('git', ['log', '-1', '--format=%ct']).toString().trim()
    const env = { ...process.env, SOURCE_DATE_EPOCH: epoch, TZ: 'Asia/Tokyo' }
    execFileSync('sh', ['-ec', 'umask 077; node build.mjs; node dist/package.js'], { cwd: folder, env })

    expect(sha256(join(folder, relative('.', shippedPackage())))).toBe(sha256(shippedPackage()))
  })

  it('is clean to lintian', () => {
    const checked = spawnSync('lintian', ['--allow-root', shippedPackage()], { encoding: 'utf8' })

    expect(checked).toMatchObject({ stdout: '', stderr: '', status: 0 })
  })

  it('has a unit that systemd calls well protected', () => {
    const unit = 'deploy/debian/tollgate-fleet.service'
    const said = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], { stdio: 'pipe' })
    const [, exposure] = /Overall exposure level for tollgate-fleet.service: ([\d.]+)/.exec(said.toString()) ?? []

    expect(Number(exposure)).toBeLessThanOrEqual(2.5)
  })
})
