// Bytes put on flash in a day of 50 busy sessions, against books that are written anew, whole, at every change.
import prettyBytes from 'pretty-bytes'
import { readFrames } from '../agent/journal/frames.ts'
import { mulberry32 } from '../broker-dev/random.ts'
import { aMac } from '../test/support/builders.ts'
import type { Figure } from './figure.ts'
import { openVirtualRouter } from './virtual-router.ts'

const minutesOfADay = 1440
const sessions = 50
const most = 10_000_000
// Looking and telling more often puts nothing more on flash: only checkpoints do.
const env = { AGENT_USAGE_INTERVAL_MS: '60000' }

export const flash: Figure = {
  name: 'flash',
  about: 'bytes put on flash in a day with 50 sessions in use, at the default checkpoint interval, in virtual time',
  async measure(stage) {
    const { router } = await openVirtualRouter({ sessions, allotment: 1e12, env })
    const random = mulberry32(1)
    for (let minute = 0; minute < minutesOfADay; minute++) {
      await router.pass(55_000)
      for (let device = 1; device <= sessions; device++) {
        const volume = { downloaded: Math.floor(random() * most), uploaded: Math.floor((random() * most) / 20) }
        router.portal.transfer(aMac(device), volume)
      }
      // The look before the checkpoint sees everybody at work.
      await router.pass(5_000)
      if (minute % 240 === 0) stage.say(`hour ${minute / 60} of 24`)
    }
    const { writtenBytes } = router.uplink.liveStatus().flash
    const { changes, checkpoints, booksBytes, deflatedBytes } = whatIsOn(router.disk)
    const writes = changes + checkpoints
    return [
      {
        what: 'a day of 50 busy sessions',
        unit: 'bytes',
        ours: writtenBytes,
        against: { name: 'the books written whole', value: booksBytes * writes },
        goal: { atMost: 1 / 10 },
        note:
          `${changes} durable changes and ${checkpoints} checkpoints of ${booksBytes} bytes of books; deflated as ours they ` +
          `were ${prettyBytes(deflatedBytes * writes)}; ours is ${Math.round(writtenBytes / sessions / minutesOfADay)} bytes a session and minute`,
      },
    ]
  },
}

function whatIsOn({ operations, files }: { operations: string[]; files: Map<string, Uint8Array> }) {
  const count = (start: string) => operations.filter((operation) => operation.startsWith(start)).length
  const newest =
    [...files.keys()]
      .filter((name) => name.startsWith('checkpoint'))
      .sort()
      .at(-1) ?? ''
  // A checkpoint begins with the books.
  const { values, firstBytes } = readFrames(files.get(newest) ?? new Uint8Array())
  return {
    changes: count('append journal'),
    checkpoints: count('append checkpoint') + count('replace checkpoint'),
    booksBytes: Buffer.byteLength(JSON.stringify(values[0])),
    deflatedBytes: firstBytes,
  }
}
