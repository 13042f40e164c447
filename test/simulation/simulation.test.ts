// The whole agent in virtual time: scripts drawn from fixed seeds, stories written by hand, and every script that once
// broke a promise.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { customerStories } from './customer-stories.ts'
import { drawGuarded } from './draw-guarded.ts'
import { drawScript } from './draw-script.ts'
import { killedAt, stories } from './scenarios.ts'
import type { Script } from './script.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'

const seeds = 60
const seedsOfOneTest = 20
const guardedSeeds = 60
const killPoints = 80

/** Fails with the seed and the smallest script that still breaks the promise. */
async function keepsEveryPromise(script: Script): Promise<void> {
  const { violation } = await simulate(script)
  if (violation === undefined) return
  const smallest = await shrink(script, 10)
  expect.fail(`seed ${script.seed}: ${violation}\nshrunk: ${smallest.violation}\n${JSON.stringify(smallest.script)}`)
}

describe('a router full of trouble keeps every promise', () => {
  const firsts = Array.from({ length: seeds / seedsOfOneTest }, (_, index) => 1 + index * seedsOfOneTest)
  it.each(firsts)('for the seeds from %i', async (first) => {
    for (let seed = first; seed < first + seedsOfOneTest; seed++) {
      await keepsEveryPromise(drawScript(seed, 'dense'))
    }
  })

  it('plays a script the same way every time', async () => {
    const script = drawScript(7, 'dense')
    expect(await simulate(script)).toEqual(await simulate(script))
  })
})

describe('a router whose kernel guards', () => {
  const firsts = Array.from({ length: guardedSeeds / seedsOfOneTest }, (_, index) => 1 + index * seedsOfOneTest)
  it.each(firsts)('keeps every promise, and the last byte, for the seeds from %i', async (first) => {
    for (let seed = first; seed < first + seedsOfOneTest; seed++) await keepsEveryPromise(drawGuarded(seed, 'dense'))
  })
})

describe('a purchase whose agent is killed at any of its calls', () => {
  it.each(['before', 'during', 'after'] as const)('is served once, killed %s it', async (phase) => {
    for (let call = 1; call <= killPoints; call++) await keepsEveryPromise(killedAt(call, phase))
  })
})

describe('a router', () => {
  it.each([...stories, ...customerStories])('$it', ({ script }) => keepsEveryPromise(script))
})

interface Regression {
  story: string
  /** Where the defect is that is not mended yet. */
  open?: string
  script: Script
}

describe('a script that once broke a promise', () => {
  const folder = new URL('regressions/', import.meta.url)
  for (const name of readdirSync(folder).sort()) {
    const { story, open, script }: Regression = JSON.parse(readFileSync(new URL(name, folder), 'utf8'))
    const test = open === undefined ? it : it.fails
    test(story, () => keepsEveryPromise(script))
  }
})
