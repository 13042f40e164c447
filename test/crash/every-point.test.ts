// Proves that the agent may be killed at every durable write and every outside action of a purchase's life: every 48th
// death here, all of them by `npm run crash`.
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { aedes, mosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { bundle } from '../support/processes/bundle.ts'
import { type Ear, listen } from './ear.ts'
import { allDeaths, liveAll, summaryOf } from './every-point.ts'

const everySo = 48

let broker: TestBroker
let ear: Ear
let program: string
beforeAll(async () => {
  broker = await (mosquitto.missing ? aedes : mosquitto).open()
  ear = await listen(broker.url)
  program = bundle('test/crash/agent-that-dies-main.ts')
})
afterAll(async () => {
  await ear.close()
  await broker.close()
  rmSync(dirname(program), { recursive: true })
})

it('keeps every promise, killed at any point and started again', { timeout: 90_000 }, async () => {
  const stage = { program, url: broker.url, ear }
  const { points, deaths } = await allDeaths(stage)
  const outcomes = await liveAll(
    stage,
    deaths.filter((_, index) => index % everySo === 0),
  )
  console.log(`${points} points, ${deaths.length} deaths; of these ${summaryOf(outcomes).join('\n')}`)

  expect(outcomes.filter((outcome) => outcome.wrong.length > 0)).toEqual([])
  expect(outcomes.filter((outcome) => outcome.diedAt === undefined).length).toBeLessThan(outcomes.length / 5)
})
