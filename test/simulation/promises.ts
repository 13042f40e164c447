// Asks of a script that it breaks no promise.
import { expect } from 'vitest'
import type { Script } from './script.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulate.ts'

/** Fails with the seed and the smallest script that still breaks the promise. */
export async function keepsEveryPromise(script: Script): Promise<void> {
  const { violation } = await simulate(script)
  if (violation === undefined) return
  const smallest = await shrink(script, 10)
  expect.fail(`seed ${script.seed}: ${violation}\nshrunk: ${smallest.violation}\n${JSON.stringify(smallest.script)}`)
}
