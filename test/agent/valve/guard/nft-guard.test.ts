// Proves the guard against a real kernel, in a network namespace of its own: what is written is read back, and what is wrong is
// a fault with a code. Needs root and nft; without them it is left out.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { changedTable, emptyTable, type GuardChange } from '../../../../agent/portal/guard-table.ts'
import { nftGuard } from '../../../../agent/valve/guard/nft-guard.ts'
import type { RunNft } from '../../../../agent/valve/guard/run-nft.ts'
import { quietLog } from '../../../support/quiet-log.ts'
import { until } from '../../../support/until.ts'

const canRun = process.getuid?.() === 0 && spawnSync('unshare', ['-n', 'nft', 'list', 'tables']).status === 0
const a = '019ad1f0-0000-7000-8000-00000000000a'
const b = '019ad1f0-0000-7000-8000-00000000000b'
const quota = { limit: 5000, downloaded: 300, uploaded: 200 }
const [one, two, three] = ['10.9.0.1', '10.9.0.2', '10.9.0.3'] as const

describe.runIf(canRun)('the guard in a kernel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'nft-guard-'))
  const program = join(folder, 'nft')
  const namespace = spawn('unshare', ['-n', 'sleep', '1000'])
  const now = () => performance.now()
  const guard = () => nftGuard(program, 'router/r1', now, quietLog)
  const nft = (text: string) => execFileSync(program, ['-f', '-'], { input: text })

  beforeAll(async () => {
    // The child is in its namespace when it has become the sleep.
    await until(async () => spawnSync('nsenter', ['-t', String(namespace.pid), '-n', 'true']).status === 0)
    writeFileSync(program, `#!/bin/sh\nexec nsenter -t ${namespace.pid} -n nft "$@"\n`)
    chmodSync(program, 0o755)
  })
  beforeEach(() => nft('add table inet tollgate\ndelete table inet tollgate\n'))
  afterAll(() => {
    namespace.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  const session: GuardChange[] = [
    { do: 'add', sessionId: a, quota },
    { do: 'assign', ip: one, sessionId: a },
    { do: 'assign', ip: two, sessionId: a },
    { do: 'uncut', ip: one },
  ]

  it('can do it, and has no table until there is something to guard', async () => {
    await guard().open()

    expect(await guard().read()).toBeUndefined()
    expect(execFileSync(program, ['list', 'tables']).toString()).toBe('')
  })

  it('has what was written, and everything that is changed', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    expect(await kernel.read()).toEqual(changedTable(emptyTable, session))

    const further: GuardChange[] = [
      { do: 'limit', sessionId: a, limit: 9000 },
      { do: 'cut', ip: two },
      { do: 'release', ip: one },
      { do: 'add', sessionId: b, quota },
      { do: 'assign', ip: one, sessionId: b },
      { do: 'uncut', ip: three },
    ]
    await kernel.change(further, false)
    expect(await kernel.read()).toEqual(changedTable(changedTable(emptyTable, session), further))
  })

  it('loaded again over a table that is there keeps it as it is, and its eight rules', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    await kernel.change([], true)

    expect(await kernel.read()).toEqual(changedTable(emptyTable, session))
    expect(
      execFileSync(program, ['list', 'chain', 'inet', 'tollgate', 'guard'])
        .toString()
        .match(/drop$|map @/gm),
    ).toHaveLength(8)
  })

  it('counts nothing more without its address, and then removes the count', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    await kernel.change(
      [one, two].map((ip) => ({ do: 'release', ip })),
      false,
    )
    expect(await kernel.read()).toMatchObject({ quotas: new Map([[a, quota]]), byIp: new Map() })
    await kernel.change([{ do: 'remove', sessionId: a }], false)

    expect(await kernel.read()).toEqual(emptyTable)
  })

  it('has times to the millisecond, also those that another life has set, and moves them', async () => {
    const kernel = guard()
    const end = now() + 90_500
    await kernel.change([{ do: 'time', ip: one, until: end }], true)
    expect(Math.abs(((await guard().read())?.until.get(one) ?? 0) - end)).toBeLessThan(900)
    await kernel.change([{ do: 'time', ip: one, until: end + 60_000 }], false)
    expect(((await kernel.read())?.until.get(one) ?? 0) - end).toBeCloseTo(60_000, -3)
    await kernel.change([{ do: 'time', ip: one, until: now() }], false)
    expect((await kernel.read())?.until.get(one)).toBeNull()
    await kernel.change([{ do: 'untime', ip: one }], false)
    expect(await kernel.read()).toEqual(emptyTable)
  })

  it('without its rules counts as lost, and gets them again with everything that was in it', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    nft('flush chain inet tollgate guard\n')
    expect(await kernel.read()).toBeUndefined()
    nft('delete table inet tollgate\n')
    await kernel.change(session, true)

    expect(await kernel.read()).toEqual(changedTable(emptyTable, session))
  })

  it('refuses all of a transaction or nothing of it', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    const wrong: GuardChange[] = [
      { do: 'limit', sessionId: a, limit: 1 },
      { do: 'assign', ip: three, sessionId: b },
    ]

    await expect(kernel.change(wrong, false)).rejects.toMatchObject({ code: 'guard-refused' })
    expect((await kernel.read())?.quotas.get(a)?.limit).toBe(5000)
  })

  it('leaves the table of another agent alone, and takes its own away', async () => {
    await guard().change(session, true)
    const other = nftGuard(program, 'router/r2', now, quietLog)
    await expect(other.open()).rejects.toMatchObject({ code: 'guard-foreign' })
    await other.remove()
    expect(await guard().read()).toBeDefined()
    await guard().open()
    await guard().remove()
    expect(await guard().read()).toBeUndefined()
  })

  it('is missing where there is no nft', async () => {
    await expect(nftGuard('/nowhere/nft', 'router/r1', now, quietLog).open()).rejects.toMatchObject({
      code: 'guard-missing',
    })
  })

  it('hears of addresses that are cut, and of a table that is taken away', async () => {
    const kernel = guard()
    await kernel.change(session, true)
    const heard: unknown[] = []
    const unwatch = kernel.watch({ cut: (ips) => heard.push(ips), damaged: () => heard.push('damaged') })
    // The child begins to hear at some moment: until then it is told again.
    await until(async () => {
      nft(`add element inet tollgate cut { ${two} }\ndelete element inet tollgate cut { ${two} }\n`)
      return heard.length > 0
    })
    nft(`add element inet tollgate cut { ${one} }\n`)
    await until(async () => heard.some((told) => Array.isArray(told) && told.includes(one)))
    nft('delete table inet tollgate\n')
    await until(async () => heard.includes('damaged'))
    unwatch()
  })
})

it('gives a time as it is when nft runs, which may be long after it was asked to', async () => {
  let at = 1000
  const written: string[] = []
  const run: RunNft = async (_, text = () => '') => {
    at += 200
    written.push(text())
    return { stdout: '', exitCode: 0, said: '' }
  }
  await nftGuard('nft', 'router/r1', () => at, quietLog, run).change([{ do: 'time', ip: one, until: 6000 }], false)

  expect(written[0]).toContain('timeout 4800ms')
})
