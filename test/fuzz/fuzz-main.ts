// Feeds every parser with hostile inputs: `fuzz --inputs 1000000 [--seed N] [--only purchase,jws]`. Exit code 1 when one of them breaks
// a promise; what it says then does it again.
import { randomInt } from 'node:crypto'
import { commandLine, wholeNumber } from '../../broker-dev/command-line.ts'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const { inputs, seed, only } = commandLine('npm run fuzz --', 'Feeds every parser with hostile inputs.')
  .option('--inputs <count>', 'how many in all', wholeNumber(1, 1e9), 1_000_000)
  .option(
    '--seed <number>',
    'where to begin: the same seed draws the same inputs',
    wholeNumber(0, 2 ** 31 - 1),
    randomInt(2 ** 31),
  )
  .option('--only <names>', `some parsers, with commas between: ${targets.map(({ name }) => name).join(', ')}`)
  .parse()
  .opts<{ inputs: number; seed: number; only?: string }>()

const mostOfABatch = 1000
const names = only?.split(',')
const chosen = targets.filter(({ name }) => names?.includes(name) ?? true)
const share = Math.ceil(inputs / Math.max(1, chosen.length))
const began = performance.now()
const fed = new Map<string, { inputs: number; milliseconds: number; failure?: string }>()
console.log(`seed ${seed}: ${share} inputs for each of ${chosen.length} parsers`)

// Round after round, so that every parser has its part of however long it goes on.
for (let done = 0, batch = 0; done < share; done += mostOfABatch, batch++) {
  for (const target of chosen) {
    const soFar = fed.get(target.name) ?? { inputs: 0, milliseconds: 0 }
    if (soFar.failure !== undefined) continue
    const count = Math.min(mostOfABatch, share - done)
    const from = performance.now()
    const failure = await fuzz(target, (seed + batch) % 2 ** 31, count)
    const milliseconds = soFar.milliseconds + performance.now() - from
    fed.set(target.name, { inputs: soFar.inputs + count, milliseconds, ...(failure !== undefined && { failure }) })
    const again = `npm run fuzz -- --only ${target.name} --seed ${seed + batch} --inputs ${count}`
    if (failure !== undefined) console.log(`${target.name} BREAKS A PROMISE: ${failure}\nagain: ${again}`)
  }
  const all = [...fed.values()].reduce((sum, one) => sum + one.inputs, 0)
  if (batch % 5 === 4) console.log(`${all} inputs, ${perSecond(all, performance.now() - began)} a second`)
}

const all = [...fed.values()]
for (const [name, one] of fed) {
  const how = one.failure === undefined ? 'kept' : 'BROKEN'
  console.log(
    `${name.padEnd(20)} ${String(one.inputs).padStart(9)} inputs ${perSecond(one.inputs, one.milliseconds).padStart(7)}/s  ${how}`,
  )
}
const total = all.reduce((sum, one) => sum + one.inputs, 0)
const failures = all.filter(({ failure }) => failure !== undefined).length
console.log(
  `${total} inputs, ${perSecond(total, performance.now() - began)} a second, ${failures} failures; seed ${seed}`,
)
process.exitCode = failures === 0 && total > 0 ? 0 : 1

function perSecond(count: number, milliseconds: number): string {
  return Math.round((count / milliseconds) * 1000).toString()
}
