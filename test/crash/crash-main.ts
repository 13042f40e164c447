// Kills the agent at every numbered point of a purchase's life, one life each, and says what that did to its promises.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { commandLine } from '../../broker-dev/command-line.ts'
import { aedes, mosquitto } from '../support/brokers/brokers.ts'
import { bundle } from '../support/processes/bundle.ts'
import { listen } from './ear.ts'
import { allDeaths, liveAll, summaryOf } from './every-point.ts'

commandLine(
  'npm run crash --',
  'Kills the agent at every point of a purchase, one life each; it takes two minutes.',
).parse()
const kind = mosquitto.missing ? aedes : mosquitto
const started = performance.now()
const broker = await kind.open()
const ear = await listen(broker.url)
const program = bundle('test/crash/agent-that-dies-main.ts')
try {
  const stage = { program, url: broker.url, ear }
  const { points, deaths } = await allDeaths(stage)
  console.log(`${points} points on ${kind.name}, ${deaths.length} deaths`)
  const outcomes = await liveAll(stage, deaths)
  for (const line of summaryOf(outcomes)) console.log(line)
  const wrong = outcomes.filter((outcome) => outcome.wrong.length > 0)
  for (const outcome of wrong) console.log(`WRONG ${JSON.stringify(outcome)}`)
  console.log(`${Math.round((performance.now() - started) / 1000)} s, ${wrong.length} lives with something wrong`)
  process.exitCode = wrong.length > 0 ? 1 : 0
} finally {
  await ear.close()
  await broker.close()
  rmSync(dirname(program), { recursive: true })
}
