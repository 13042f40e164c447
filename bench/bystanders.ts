// The cost of a crowd to one customer, in virtual time at the portals' measured latencies: against the same customer alone.
import { aRouter } from '../test/support/a-router.ts'
import {
  amongHundredWhoAreAway,
  amongTwelveWhoBuy,
  askedForANoShow,
  backAfterMinutes,
  bytesAnEventAmong,
  devices,
  lateBy,
  megabyte,
  sell,
} from '../test/support/crowd-stories.ts'
import type { Figure, Row } from './figure.ts'

export const bystanders: Figure = {
  name: 'bystanders',
  about: 'what others cost a customer who pays: bytes past the lot, calls, bytes on disk',
  async measure(stage) {
    const rows: Row[] = []
    for (const [what, measure] of stories) {
      rows.push({ what, ...(await measure()) })
      stage.say(what)
    }
    return rows
  },
}

type Measured = Omit<Row, 'what'>

// `before`: the same figure of the first release's agent, by the same stories at the same mock portal.
const inMegabytes = (bytes: number) => Math.round(bytes / 10_000) / 100
const late = (ours: number, alone: number, most: number, before: string): Measured => ({
  ...{ unit: 'bytes', ours, against: { name: 'alone', value: Math.max(1, alone) } },
  note: `${inMegabytes(ours)} MB of ${most} at most; at first ${before}`,
})

const stories: [string, () => Promise<Measured>][] = [
  [
    '100 who paid are away, openNDS 9.10',
    async () =>
      late(await amongHundred('opennds'), await alone('opennds'), 3, '204 MB within a minute, and still open'),
  ],
  [
    '100 who paid are away, openNDS 10',
    async () => late(await amongHundred('opennds-10'), await alone('opennds-10'), 12, 'not let in within 5 s'),
  ],
  [
    '12 buy at the moment of an end, 250 ms a call',
    async () =>
      late((await amongTwelveWhoBuy(aRouter({ takes: 250 }))).late, await alone('nodogsplash', 250), 4, '21.25 MB'),
  ],
  ['back after minutes', async () => late(await back(true), await alone('opennds'), 27, '40.2 MB')],
  ['back after minutes, LAN unknown', async () => late(await back(false), await alone('opennds'), 77, '40.2 MB')],
  ['calls a minute for one no-show, nodogsplash', () => calls('nodogsplash', 30)],
  ['calls a minute for one no-show, openNDS 9.10', () => calls('opennds', 30)],
  ['calls a minute for one no-show, openNDS 10', () => calls('opennds-10', 90)],
  [
    'an event while 2,000 who paid are away',
    async () => ({
      unit: 'bytes',
      ours: await bytesAnEventAmong(2000),
      against: { name: '10 are away', value: await bytesAnEventAmong(10) },
      note: '1,500 at most; at first 4,363',
    }),
  ],
]

async function amongHundred(flavour: 'opennds' | 'opennds-10'): Promise<number> {
  return (await amongHundredWhoAreAway(aRouter({ flavour, takes: 'measured', maxClients: 250 }))).late
}

const back = (neighbours: boolean) => backAfterMinutes(aRouter({ flavour: 'opennds', neighbours, takes: 'measured' }))

/** 50 MB at 100 Mbit/s with nobody else there. */
async function alone(flavour: 'nodogsplash' | 'opennds' | 'opennds-10', takes: number | 'measured' = 'measured') {
  const router = aRouter({ flavour, takes })
  for (const device of devices(1, 1)) router.join(device)
  await router.start()
  await router.pass(2000)
  await sell(router, 1, 50 * megabyte)
  await router.pass(5000)
  router.streams.set(1, 100)
  return lateBy(router, 1, 50 * megabyte)
}

async function calls(flavour: 'nodogsplash' | 'opennds' | 'opennds-10', before: number): Promise<Measured> {
  const ours = await askedForANoShow(flavour, true)
  return {
    unit: 'runs',
    ours,
    against: { name: 'LAN unknown', value: await askedForANoShow(flavour, false) },
    note: `7 at most; at first ${before}`,
  }
}
