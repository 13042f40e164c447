// Plays many seeds, on every core, until one breaks a promise: `simulate --seeds 10000 [--from 1] [--workers N]`; with `--all` it names
// every one that does; with `--guard` the kernel guards. Or one stored script: `--script FILE`.
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { commandLine, wholeNumber } from '../../broker-dev/command-line.ts'
import { drawGuarded } from './draw-guarded.ts'
import { drawScript } from './draw-script.ts'
import { shrink } from './shrink.ts'
import { type Played, simulate } from './simulate.ts'

type Told = Played & { seed: number }

const values = commandLine(
  'npm run simulate --',
  'Plays the whole agent in virtual time, one drawn life a seed, until one breaks a promise.',
)
  .option('--seeds <count>', 'how many lives', wholeNumber(1, 1e9), 1000)
  .option('--from <seed>', 'the first of them', wholeNumber(1, 2 ** 32 - 1), 1)
  .option('--workers <count>', 'how many at once', wholeNumber(1, 256), availableParallelism())
  .option('--all', 'name every life that breaks a promise, and go on', false)
  .option('--guard', 'on routers whose kernel guards', false)
  .option('--script <file>', 'play one stored script instead')
  .parse()
  .opts<{ seeds: number; from: number; workers: number; all: boolean; guard: boolean; script?: string }>()

const drawing = (guard: boolean) => (guard ? drawGuarded : drawScript)

interface Share {
  first: number
  last: number
  step: number
  guard: boolean
}

async function work({ first, last, step, guard }: Share): Promise<void> {
  const draw = drawing(guard)
  for (let seed = first; seed <= last; seed += step) {
    const told: Told = { seed, ...(await simulate(draw(seed))) }
    parentPort?.postMessage(told)
  }
}

async function direct(): Promise<void> {
  if (values.script !== undefined) {
    const { violation } = await simulate(JSON.parse(readFileSync(values.script, 'utf8')))
    process.stdout.write(`${violation ?? 'every promise is kept'}\n`)
    process.exit(violation === undefined ? 0 : 1)
  }
  const { from, seeds: count, workers } = values
  const began = Date.now()
  const total = { seeds: 0, milliseconds: 0, events: 0, purchases: 0 }
  const progress = () => {
    const seconds = (Date.now() - began) / 1000
    const days = total.milliseconds / 86_400_000
    process.stdout.write(
      `${total.seeds} of ${count} seeds · ${days.toFixed(1)} days · ${total.purchases} purchases · ${total.events} events` +
        ` · ${(total.seeds / seconds).toFixed(1)} seeds/s · ${(days / seconds).toFixed(2)} days/s\n`,
    )
  }
  const ticking = setInterval(progress, 5000)
  const failed = await new Promise<number | undefined>((resolve, reject) => {
    let running = workers
    let first: number | undefined
    for (let index = 0; index < workers; index++) {
      const share: Share = { first: from + index, last: from + count - 1, step: workers, guard: values.guard }
      const worker = new Worker(new URL(import.meta.url), { workerData: share })
      worker.on('message', ({ seed, violation, milliseconds, events, purchases }: Told) => {
        total.seeds++
        total.milliseconds += milliseconds
        total.events += events
        total.purchases += purchases
        if (violation === undefined) return
        process.stdout.write(`seed ${seed}: ${violation}\n`)
        first ??= seed
        if (values.all) return
        resolve(seed)
        worker.terminate()
      })
      worker.on('error', reject)
      worker.on('exit', () => --running === 0 && resolve(first))
    }
  })
  clearInterval(ticking)
  progress()
  if (failed === undefined) process.exit(0)
  process.stdout.write(`seed ${failed} breaks a promise; shrinking its script\n`)
  const { script, violation } = await shrink(drawing(values.guard)(failed))
  process.stdout.write(`${violation}\n${JSON.stringify(script)}\n`)
  process.exit(1)
}

await (isMainThread ? direct() : work(workerData))
