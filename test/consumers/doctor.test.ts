// Proves what the doctor finds of three brokers: Mosquitto as Debian ships it, as this package ships it, and Aedes.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, type TestContext, test } from 'vitest'
import { examine } from '../../kit/doctor.ts'
import type { Finding } from '../../kit/trial.ts'
import { aedes, mosquitto } from '../support/brokers/brokers.ts'
import { freePort } from '../support/brokers/free-port.ts'
import { ended } from '../support/ended.ts'
import { until } from '../support/until.ts'

async function aMosquitto(settings: string, finished: TestContext['onTestFinished']) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-doctor-'))
  const port = await freePort()
  const file = join(folder, 'mosquitto.conf')
  // Debian's file, on a port and in a folder of its own.
  const debian = `persistence true\npersistence_location ${folder}/\nuser root\nlistener ${port} 127.0.0.1\nallow_anonymous true\n`
  writeFileSync(file, debian + settings)
  let broker: ChildProcess | undefined
  async function start(): Promise<void> {
    broker = spawn('mosquitto', ['-c', file], { stdio: 'ignore' })
    await until(() => answers(port))
  }
  const stop = async (signal: NodeJS.Signals) => void (broker && (await ended(broker, signal)))
  await start()
  finished(async () => {
    await stop('SIGKILL')
    rmSync(folder, { recursive: true })
  })
  const again = (signal: NodeJS.Signals) => async () => {
    await stop(signal)
    await start()
  }
  return { url: `mqtt://127.0.0.1:${port}`, restart: again('SIGTERM'), kill: again('SIGKILL') }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function tableOf(name: string, findings: readonly Finding[]): Record<string, [boolean | undefined, string]> {
  console.log(
    `${name}\n${findings.map(({ what, holds, found }) => `  ${String(holds).padEnd(10)}${what.padEnd(58)}${found}`).join('\n')}`,
  )
  return Object.fromEntries(findings.map(({ what, holds, found }) => [what, [holds, found]]))
}

const anything = expect.any(String)
const kept = {
  'QoS 1 is granted, and messages come in order': [true, anything],
  'retained messages come to a wildcard': [true, anything],
  'a last will is told when a connection breaks': [true, anything],
  'a session is kept for a client that is away': [true, anything],
  'a message of 64 KiB passes': [true, anything],
}

test
  .skipIf(mosquitto.missing)
  .concurrent('Mosquitto as Debian ships it drops and forgets', async ({ expect, onTestFinished }) => {
    const { url, ...acts } = await aMosquitto('', onTestFinished)
    expect(tableOf('Mosquitto as Debian ships it', await examine({ fleet: { url }, ...acts }))).toMatchObject({
      ...kept,
      '3000 messages wait for a client that is away': [false, '1000 of 3000 waited'],
      '20 messages and a retained one, 3 s old, outlive an orderly restart': [
        true,
        '20 of 20 came, the retained one too',
      ],
      '20 messages and a retained one, 3 s old, outlive a kill': [false, '0 of 20 came, the retained one is gone'],
      '$share is not needed, and what it would do': [undefined, expect.stringMatching(/^granted: \d+ and \d+ of 40/)],
      'MQTT 5 is spoken, and states its limits': [true, anything],
    })
  })

test
  .skipIf(mosquitto.missing)
  .concurrent('Mosquitto as this package ships it keeps what it took', async ({ expect, onTestFinished }) => {
    const { url, ...acts } = await aMosquitto(
      readFileSync(new URL('../../deploy/mosquitto/mosquitto.conf', import.meta.url), 'utf8'),
      onTestFinished,
    )
    expect(tableOf('Mosquitto as this package ships it', await examine({ fleet: { url }, ...acts }))).toMatchObject({
      ...kept,
      '3000 messages wait for a client that is away': [true, '3000 of 3000 waited'],
      'a message passes without waiting (no Nagle)': [true, anything],
      '20 messages and a retained one, 3 s old, outlive an orderly restart': [
        true,
        '20 of 20 came, the retained one too',
      ],
      '20 messages and a retained one, 3 s old, outlive a kill': [true, '20 of 20 came, the retained one too'],
    })
  })

it.concurrent('Aedes forgets with its process, and speaks MQTT 3.1.1 only', async ({ expect, onTestFinished }) => {
  const broker = await aedes.open()
  onTestFinished(broker.close)
  async function restart(): Promise<void> {
    await broker.stop()
    await broker.start()
  }
  expect(tableOf('Aedes', await examine({ fleet: { url: broker.url }, restart, kill: restart }))).toMatchObject({
    ...kept,
    '3000 messages wait for a client that is away': [true, anything],
    'MQTT 5 is spoken, and states its limits': [false, 'MQTT 3.1.1 only'],
    '20 messages and a retained one, 3 s old, outlive an orderly restart': [
      false,
      '0 of 20 came, the retained one is gone',
    ],
    '20 messages and a retained one, 3 s old, outlive a kill': [false, '0 of 20 came, the retained one is gone'],
  })
})

it.concurrent('what was not asked for is said, not guessed', async ({ expect, onTestFinished }) => {
  const broker = await aedes.open()
  onTestFinished(broker.close)
  const findings = await examine({ fleet: { url: broker.url }, queued: 10 })
  expect(findings.filter(({ found }) => found.startsWith('not tried'))).toHaveLength(2)
})
