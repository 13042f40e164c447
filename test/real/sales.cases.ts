// Exactly the paid bytes and minutes are let through: opened, metered and shut on a real portal.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { buy, measured, megabytes, oftenMeasured, open, type Stage } from './lab-stage.ts'

export function sales(stage: Stage): void {
  it('keeps a device shut until it has paid, and opens it then', async ({ annotate }) => {
    const agent = await stage.startAgent()
    const device = await stage.aDevice()
    const before = await device.isOnline()
    const started = await open(agent, device, { bytes: 10 * megabytes })
    const after = await device.isOnline()
    await annotate(`open ${started?.openedAfterMilliseconds} ms after the purchase`)
    expect({ before, after }).toEqual({ before: false, after: true })
  })

  it('charges what the firewall counted, to 1 %', async ({ annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 100 * megabytes })
    await device.download(6 * megabytes)
    await device.upload(3 * megabytes)
    const session = await measured(agent, device)
    const counted = await stage.lab.counted(device.address)
    await annotate(`charged ${session.used.bytes} of ${counted.total} bytes`)
    const shares = [session.downloaded / counted.downloaded, session.uploaded / counted.uploaded]
    expect(shares.every((share) => Math.abs(share - 1) < 0.01)).toBe(true)
  })

  it('shuts the gate when the allotment is used up', async ({ annotate }) => {
    const agent = await stage.startAgent()
    const device = await stage.aDevice()
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    const transfer = device.startDownload()
    const [ended] = await agent.hears('session.ended')
    await transfer.end()
    const isOnline = await device.isOnline()
    const overshoot = (await stage.lab.passed(device.address)).total - allotment
    await annotate(
      `${overshoot} bytes past ${allotment} at ${stage.linkMegabits} Mbit/s, ${ended?.overshootBytes} told`,
    )
    // Not a byte less than bought; the most is what the link carries in the longest time between two looks.
    const most = (await stage.allowed(2)) * stage.linkMegabits * 125_000
    expect({ isOnline, isBounded: overshoot >= 0 && overshoot < most }).toEqual({ isOnline: false, isBounded: true })
  })

  it('adds a top-up to an open gate without opening it again', async () => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 4 * megabytes })
    const openings = async () => [await stage.lab.entryOf(device.address), await stage.lab.authentications()]
    const before = await openings()
    await device.download(3 * megabytes)
    await buy(agent, device, { bytes: 4 * megabytes })
    await device.download(3 * megabytes)
    const { allotment } = await measured(agent, device)
    expect({ allotment, openings: await openings() }).toEqual({ allotment: { bytes: 8 * megabytes }, openings: before })
  })

  it('opens for the time that was bought, and not much longer', async ({ annotate }) => {
    const agent = await stage.startAgent()
    const device = await stage.aDevice()
    await open(agent, device, { milliseconds: 3000 })
    const opened = performance.now()
    await until(async () => !(await device.isOnline()))
    const stayed = Math.round(performance.now() - opened)
    await annotate(`shut ${stayed} ms after it was heard to be open, of 3000 bought`)
    expect(stayed).toBeGreaterThan(2500)
    expect(stayed).toBeLessThan(3000 + (await stage.allowed(2)) * 1000)
  })

  it('opens for the one of two devices that has paid, and charges it alone', async () => {
    const agent = await stage.startAgent(oftenMeasured)
    const [payer, other] = [await stage.aDevice(), await stage.aDevice()]
    await open(agent, payer, { bytes: 50 * megabytes })
    const [, isOtherOnline] = [await payer.download(3 * megabytes), await other.isOnline()]
    const { used } = await measured(agent, payer)
    const counted = await stage.lab.counted(payer.address)
    const isExact = counted.total - (used.bytes ?? 0) < 4096
    expect({ isOtherOnline, isExact }).toEqual({ isOtherOnline: false, isExact: true })
  })

  it('ends a stream that needs no answer with the gate', async ({ annotate }) => {
    const agent = await stage.startAgent()
    const device = await stage.aDevice()
    await open(agent, device, { bytes: megabytes })
    const stream = device.startStream(500_000)
    await agent.hears('session.ended')
    const atTheEnd = await stage.lab.passed(device.address)
    await sleepFor(1000)
    const later = await stage.lab.passed(device.address)
    await stream.end()
    await annotate(`${atTheEnd.downloaded} bytes streamed of ${megabytes} bought`)
    expect(later).toEqual(atTheEnd)
  })
}
