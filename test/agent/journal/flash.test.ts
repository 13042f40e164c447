// Proves what the flash has to bear: the bytes of a day with 50 sessions in use, at the default checkpoint interval.
import { expect, it } from 'vitest'
import type { Metering } from '../../../agent/merchant/journal-record.ts'
import { aSale, openJournal } from '../../support/a-journal.ts'
import { aMac, aNow } from '../../support/builders.ts'
import { memoryDisk } from '../../support/memory-disk.ts'

const minutesOfADay = 1440
const sessions = 50

/** Large figures, as after weeks of use: what a figure needs on disk is its digits. */
function aBusySession(device: number, minute: number): Metering {
  const downloaded = 3_000_000_000_000 + device * 1_000_000 + minute * 123_456_789
  const uploaded = 200_000_000_000 + device * 100_000 + minute * 1_234_567
  const at = 2_000_000_000 + minute * 60_000
  return {
    mac: aMac(device),
    used: [downloaded + uploaded],
    meter: {
      baseline: [{ token: 'ae83c47b', ip: `192.168.100.${device}`, downloaded, uploaded }],
      seenOpen: { bootId: '9faf40f4-62ad-4812-9c3a-e69e79b6b139', at },
      readAt: { bootId: '9faf40f4-62ad-4812-9c3a-e69e79b6b139', at },
      downloaded,
      uploaded,
      openMilliseconds: at,
      bytesPerSecond: 12_345_678,
      overshootBytes: 0,
      unreadBytes: 0,
      lastOpen: null,
      idleSince: at,
    },
  }
}

it('50 sessions all day cost at most 16 MiB', async () => {
  const journal = await openJournal(memoryDisk(), { fileBytes: 512 * 1024, mostBytes: 8 * 1024 * 1024, mostDays: 30 })
  const devices = Array.from({ length: sessions }, (_, index) => index + 1)
  for (const device of devices) await journal.append([aSale(device)])
  for (let minute = 0; minute < minutesOfADay; minute++) {
    journal.note({ type: 'metered', sessions: devices.map((device) => aBusySession(device, minute)) })
    await journal.checkpoint(aNow())
  }

  // Measured: 1,855,693 bytes, 26 a session and minute.
  expect(journal.writtenBytes).toBeLessThanOrEqual(16 * 1024 * 1024)
})
