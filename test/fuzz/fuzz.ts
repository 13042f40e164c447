// Feeds one target with inputs drawn from a seed; the same seed draws the same ones.
import fc from 'fast-check'
import { inputsFrom } from './inputs.ts'
import type { Target } from './target.ts'

/** The promise that broke, with the smallest input that breaks it; nothing where every promise was kept. */
export async function fuzz({ samples, check }: Target, seed: number, inputs: number): Promise<string | undefined> {
  for (const sample of samples) await check(sample)
  const property = fc.asyncProperty(inputsFrom(samples), async (input) => check(input))
  const run = await fc.check(property, { seed, numRuns: inputs })
  if (!run.failed) return undefined
  const [input = new Uint8Array()] = run.counterexample ?? []
  const why = run.errorInstance instanceof Error ? run.errorInstance.stack : String(run.errorInstance)
  return `${why}\nby ${shown(input)}`
}

function shown(input: Uint8Array): string {
  const text = Buffer.from(input).toString('latin1')
  return `${input.length} bytes: ${JSON.stringify(text.length > 2000 ? `${text.slice(0, 2000)}...` : text)}`
}
