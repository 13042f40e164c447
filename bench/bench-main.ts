// Measures ours against floors and peers: `bench [--only NAME,NAME] [--out FILE] [--strict] [--markdown]`.
import { commandLine } from '../broker-dev/command-line.ts'
import { bystanders } from './bystanders.ts'
import { crowd } from './crowd.ts'
import { exporter } from './exporter.ts'
import { type Figure, isMet, type Stage } from './figure.ts'
import { flash } from './flash.ts'
import { fleet } from './fleet.ts'
import { fleetLoad } from './fleet-load.ts'
import { guardedLooks } from './guarded-looks.ts'
import { history } from './history.ts'
import { idleLooks } from './idle-looks.ts'
import { lookCpu } from './look-cpu.ts'
import { memory } from './memory.ts'
import { ndsctlRuns } from './ndsctl-runs.ts'
import { openGate } from './open-gate.ts'
import { overshoot } from './overshoot.ts'
import { realGuard } from './real-guard.ts'
import { realOvershoot } from './real-overshoot.ts'
import { describe, type Measured, thisMachine, writeResults } from './results.ts'
import { signatures } from './signatures.ts'
import { sink } from './sink.ts'
import { start } from './start.ts'
import { markdownOf, tableOf } from './table.ts'

const figures: Figure[] = [
  openGate,
  ndsctlRuns,
  lookCpu,
  overshoot,
  bystanders,
  realOvershoot,
  realGuard,
  crowd,
  idleLooks,
  guardedLooks,
  memory,
  start,
  flash,
  history,
  fleet,
  fleetLoad,
  signatures,
  exporter,
  sink,
]

// Programs and files that the figure under way has started.
const undos: (() => unknown)[] = []
let isInterrupted = false

async function main(): Promise<void> {
  const values = commandLine(
    'npm run bench --',
    'Measures the figures of docs/performance.md, each against a floor or a peer.',
  )
    .option('--only <names>', `some of ${figures.map(({ name }) => name).join(', ')}, parted by commas`)
    .option('--out <file>', 'where the results go', 'bench/results.json')
    .option('--strict', 'end with exit code 1 when a goal is missed or a figure failed', false)
    .option('--markdown', 'print the table as it stands in docs/performance.md', false)
    .parse()
    .opts<{ only?: string; out: string; strict: boolean; markdown: boolean }>()
  const chosen = chosenFrom(values.only?.split(','))
  const measured: Measured[] = []
  for (const figure of chosen) measured.push(await measure(figure))
  const machine = thisMachine()
  writeResults(values.out, measured, machine)
  console.log(`${describe(machine)}, ${new Date().toISOString().slice(0, 10)}\n`)
  console.log(values.markdown ? markdownOf(measured) : tableOf(measured))
  for (const note of measured.flatMap(notesOf)) console.log(note)
  const isMissed = measured.some(({ rows, failed }) => failed !== undefined || rows.some((row) => isMet(row) === false))
  process.exit(values.strict && isMissed ? 1 : 0)
}

function chosenFrom(names: string[] | undefined): Figure[] {
  if (!names) return figures
  const unknown = names.filter((name) => !figures.some((figure) => figure.name === name))
  if (unknown.length === 0) return figures.filter((figure) => names.includes(figure.name))
  console.error(`no such figure: ${unknown.join(', ')}; there are ${figures.map((figure) => figure.name).join(', ')}`)
  process.exit(2)
}

async function measure(figure: Figure): Promise<Measured> {
  const { name, about } = figure
  const skipped = figure.missing?.()
  if (skipped !== undefined) return { name, about, skipped, rows: [], seconds: 0 }
  const say = (progress: string) => console.error(`${name}: ${progress}`)
  const stage: Stage = { say, afterwards: (undo) => undos.unshift(undo) }
  const from = performance.now()
  const seconds = () => Math.round((performance.now() - from) / 1000)
  say(about)
  try {
    const rows = await figure.measure(stage)
    return { name, about, rows, seconds: seconds() }
  } catch (error) {
    // A figure that broke because its programs were stopped is no result.
    if (isInterrupted) return new Promise(() => {})
    say(error instanceof Error ? (error.stack ?? error.message) : String(error))
    return { name, about, failed: String(error), rows: [], seconds: seconds() }
  } finally {
    await tidyUp()
    say(`${seconds()} s`)
  }
}

async function tidyUp(): Promise<void> {
  for (const undo of undos.splice(0)) await undo()
}

const notesOf = ({ name, rows }: Measured): string[] =>
  rows.flatMap(({ what, note }) => (note === undefined ? [] : [`${name}, ${what}: ${note}`]))

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    isInterrupted = true
    void tidyUp().then(() => process.exit(130))
  })
}
await main()
