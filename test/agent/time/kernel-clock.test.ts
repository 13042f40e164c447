// Proves that the kernel's word about its clock is found, whoever tells it, and that nobody's silence is taken for one.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { systemClock } from '../../../agent/time/clock.ts'
import { createKernelClock, type Run, runFrom } from '../../../agent/time/kernel-clock.ts'

// As busybox 1.35 prints it.
const busybox = (value: string, status: string) => `    mode:         0
-o  offset:       0 us
-f  freq.adjust:  0 (65536 = 1ppm)
    maxerror:     16000000
    esterror:     16000000
    status:       ${status}
-p  timeconstant: 2
    precision:    1 us
    tolerance:    32768000
-t  tick:         10000 us
    time.tv_sec:  1795734221
    time.tv_usec: 323485
    return value: ${value}
`
const unsynchronised = busybox('5 (clock not synchronized)', '64 (UNSYNC)')
const synchronised = busybox('0 (clock synchronized)', '1 (PLL)')
const chrony = (leap: string) => `Reference ID    : 00000000 ()\nStratum         : 0\nLeap status     : ${leap}\n`

/** A machine that has these programs and no others. */
const machine =
  (programs: Record<string, string>): Run =>
  async (program, args) => {
    const output = programs[`${program} ${args[0] ?? ''}`.trim()]
    if (output === undefined) throw new Error(`spawn ${program} ENOENT`)
    return output
  }

describe('the kernel clock', () => {
  test.each([
    { when: 'the applet says 5', programs: { adjtimex: unsynchronised }, isSynced: false },
    { when: 'the applet says 0', programs: { adjtimex: synchronised }, isSynced: true },
    { when: 'only busybox has it', programs: { 'busybox adjtimex': unsynchronised }, isSynced: false },
    { when: 'systemd says no', programs: { 'timedatectl show': 'no\n' }, isSynced: false },
    { when: 'systemd says yes', programs: { 'timedatectl show': 'yes\n' }, isSynced: true },
    { when: 'chrony is not synchronised', programs: { 'chronyc -n': chrony('Not synchronised') }, isSynced: false },
    { when: 'chrony is', programs: { 'chronyc -n': chrony('Normal') }, isSynced: true },
    { when: 'nobody knows', programs: {}, isSynced: undefined },
    {
      when: 'the first program says nothing of use',
      programs: { adjtimex: 'Usage: adjtimex [OPTION]...', 'timedatectl show': 'no' },
      isSynced: false,
    },
  ])('is synced: $isSynced when $when', async ({ programs, isSynced }) => {
    const kernel = createKernelClock(machine(programs as Record<string, string>))
    await kernel.ask()

    expect(kernel.isSynced).toBe(isSynced)
  })

  it('is believed by the agent’s clock', async () => {
    const clock = systemClock(createKernelClock(machine({ adjtimex: unsynchronised })))
    await clock.prepare?.()

    expect(clock.synced()).toBe(false)
  })
})

describe('a program', () => {
  it('is run from the first folder of the PATH that has it, and is missing where none has', async () => {
    const [first, second] = ['first', 'second'].map((name) => mkdtempSync(join(tmpdir(), `tollgate-path-${name}-`)))
    writeFileSync(join(second ?? '', 'chronyc'), '#!/bin/sh\necho "$1 from the second"\n', { mode: 0o755 })
    const run = runFrom(`${first}::${second}`)
    const said = await run('chronyc', ['told'])
    const missing = await run('adjtimex', []).catch(({ message }) => message)
    for (const folder of [first, second]) rmSync(folder ?? '', { recursive: true })

    expect([said, missing]).toEqual(['told from the second\n', 'adjtimex is not installed'])
  })
})
