// Input of a router from its disk: the journal, the checkpoints with the books, the ids of purchases, settings and keys.
import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import { readConfig } from '../../agent/config.ts'
import { NewerFormat, soundDecisions } from '../../agent/journal/files.ts'
import { frame, readFrames } from '../../agent/journal/frames.ts'
import { createJournal, type Journal } from '../../agent/journal/journal.ts'
import type { PurchaseMemory } from '../../agent/journal/purchase-memory.ts'
import { faultOfBooks } from '../../agent/merchant/reporting.ts'
import { createKeyRing } from '../../agent/trust/key-ring.ts'
import { addressOf } from '../../agent/uplink/address.ts'
import { withoutSecrets } from '../../agent/uplink/names.ts'
import { aMetering, aSale, nameOf, roomy } from '../support/a-journal.ts'
import { aNow } from '../support/builders.ts'
import { type MemoryDisk, memoryDisk } from '../support/memory-disk.ts'
import { recordCheckpoints, recordDecisions } from '../support/recorded-journal.ts'
import { aSigner } from '../support/signer.ts'
import { jsonsOf, promise, type Target, textsOf, throwsOnly } from './target.ts'

const decisions = await recordDecisions()
const checkpoints = await recordCheckpoints()
const withPurchases = await snapshots()

function opened(disk: MemoryDisk, limits = roomy): Promise<Journal> {
  const journal = createJournal(disk, () => 'epoch-1', { limits })
  return journal.open().then(() => journal)
}

/** A disk on which a second snapshot has put the ids of purchases into a file of their own. */
async function snapshots(): Promise<MemoryDisk> {
  const disk = memoryDisk()
  const journal = await opened(disk, { ...roomy, fileBytes: 400 })
  for (let seq = 1; seq <= 8; seq++) await journal.append([aSale(seq)])
  for (let turn = 1; turn <= 40; turn++) {
    journal.note(aMetering(1, turn))
    await journal.checkpoint(aNow())
  }
  return disk
}

/** A state folder in which that file was damaged: it opens, its books add up, and nobody has more than was sold. */
async function file(disk: MemoryDisk, start: string): Promise<Target> {
  const name = nameOf(disk, start)
  const whole = await opened(disk.copy())
  const { sold } = whole.books
  const known = new Set([...(whole.books.purchases as PurchaseMemory)].map(([id]) => id))
  return {
    name: start.replace(/-$/, ''),
    samples: [disk.files.get(name) ?? new Uint8Array()],
    async check(input) {
      const copy = disk.copy()
      copy.files.set(name, Uint8Array.from(input))
      const { books } = await opened(copy)
      promise(faultOfBooks(books) === undefined, 'books add up after damage')
      promise(books.sold.bytes <= sold.bytes && books.sold.milliseconds <= sold.milliseconds, 'damage sells nothing')
      promise(
        [...(books.purchases as PurchaseMemory)].every(([id]) => known.has(id)),
        'damage makes no purchase',
      )
    },
  }
}

/** Each input as the content of a frame with its length and its sum right: only somebody who writes the file can do that. */
const frames: Target = {
  name: 'frames',
  samples: [
    ...jsonsOf({ n: 1, uptime: 5, records: [] }, { format: 3 }),
    Buffer.concat([Buffer.of(0), frame([1]).subarray(8)]),
  ],
  check(input) {
    const head = Buffer.alloc(8)
    head.writeUInt32LE(input.length, 0)
    head.writeUInt32LE(crc32(input), 4)
    const bytes = Buffer.concat([frame({ format: 3 }), head, input, frame({ n: 2, uptime: 9, records: [] })])
    promise(readFrames(bytes).values.length >= 1, 'what stands before a strange frame is read')
    throwsOnly(() => soundDecisions('journal', bytes), NewerFormat)
  },
}

const settingsFile = readFileSync('deploy/agent.toml')

const config: Target = {
  name: 'config',
  samples: [
    settingsFile,
    ...textsOf(
      'router_id = "r1"\nmqtt_url = "mqtts://r1:pass%20word@broker.example:8883,ws://b/mqtt"\nlook_interval_ms = 5000\n',
      'router_id = "r1"\n[[prices]]\nunit = "sat"\nprice_per_step = 1\n[[prices]]\nunit = "eur"\nprice_per_step = 0.01\nmin_steps = 2\n',
    ),
  ],
  check(input) {
    const toml = Buffer.from(input).toString()
    for (const read of [
      readConfig({}, toml),
      readConfig({ AGENT_ROUTER_ID: 'r1', AGENT_MQTT_URL: toml.slice(0, 60) }),
    ]) {
      if ('problems' in read) {
        promise(read.problems.length > 0 && read.problems.every((text) => text !== ''), 'what is wrong is said')
        continue
      }
      const { mqtt, tariff } = read.config
      for (const url of mqtt.urls)
        promise(addressOf(url).host !== '' && withoutSecrets(url) !== '', 'a broker can be called')
      promise(
        tariff.prices.every(({ pricePerStep }) => pricePerStep > 0),
        'nothing is sold for nothing',
      )
    }
  },
}

const [key, curve] = [await aSigner('a'), await aSigner('b', 'ES256')]
const keyFile = JSON.stringify({ keys: [key.jwk, curve.jwk] })

const keys: Target = {
  name: 'keys',
  samples: textsOf(keyFile),
  async check(input) {
    let text = keyFile
    const quiet = { warn: () => {}, info: () => {} }
    const ring = createKeyRing(
      'keys.json',
      async () => {},
      quiet,
      async () => text,
    )
    await ring.refresh()
    text = Buffer.from(input).toString()
    await ring.refresh()
    promise(ring.keys.length > 0, 'a router that has keys is never without')
    promise(
      ring.warning === undefined || ring.keys.length === 2,
      'a file that cannot be read leaves the last good keys',
    )
  },
}

export const onTheDisk = [
  await file(decisions.disk, 'journal-'),
  await file(checkpoints.disk, 'checkpoint-'),
  await file(withPurchases, 'purchases-'),
  frames,
  config,
  keys,
]
