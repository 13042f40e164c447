// The router's real kernel keeps the last byte and the last millisecond, behind a real portal, with the agent alive or killed.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { gateway, inside } from '../support/lab/namespaces.ts'
import { openTime } from '../support/lab/open-time.ts'
import { until } from '../support/until.ts'
import { buy, megabytes, open, type Stage } from './lab-stage.ts'

const guarded = { AGENT_GUARD: 'nftables' }
// A packet as the kernel sees it, with segments joined.
const packet = 65_536

export function guard(stage: Stage): void {
  const passed = async (address: string) => (await stage.lab.passed(address)).total
  const nft = (...args: string[]) => {
    const [program = '', ...rest] = [...inside(gateway), 'nft', ...args]
    return execa(program, rest, { reject: false })
  }
  const startAgent = (env = {}) => stage.startAgent({ ...guarded, ...env })

  it.each([50, 100, 1000])('cuts a download at %i Mbit/s on the packet that crosses its end', async (megabits) => {
    await stage.lab.setLinkRate(megabits)
    const agent = await startAgent()
    const device = await stage.aDevice()
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    const transfer = device.startDownload()
    const [ended] = await agent.hears('session.ended')
    await transfer.end()
    const beyond = (await passed(device.address)) - allotment
    console.log(
      `${stage.transport}: ${beyond} bytes past ${allotment} at ${megabits} Mbit/s, ${ended?.overshootBytes} told`,
    )
    await stage.lab.setLinkRate(stage.linkMegabits)
    expect(ended).toMatchObject({ cut: 'kernel', used: { bytes: allotment } })
    expect(beyond).toBeGreaterThanOrEqual(0)
    expect(beyond).toBeLessThanOrEqual(packet)
  })

  it('cuts a download whose agent was killed, and the next one ends the session with the right figures', async () => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    const transfer = device.startDownload()
    await until(async () => (await passed(device.address)) > 5 * megabytes)
    await agent.kill()
    await sleepFor(4000)
    const beyond = (await passed(device.address)) - allotment
    await agent.start()
    const [ended] = await agent.hears('session.ended')
    await transfer.end()
    console.log(
      `${stage.transport}: ${beyond} bytes past ${allotment} with the agent killed, ${ended?.overshootBytes} told`,
    )
    expect(ended).toMatchObject({ cut: 'kernel', used: { bytes: allotment } })
    expect(beyond).toBeGreaterThanOrEqual(0)
    expect(beyond).toBeLessThanOrEqual(packet)
  })

  it('lets exactly the bytes of a top-up through after a flood that it dropped', async () => {
    const agent = await startAgent({ AGENT_LOOK_INTERVAL_MS: '60000', AGENT_NEAR_INTERVAL_MS: '60000' })
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 4 * megabytes })
    const stream = device.startStream(2_000_000)
    await until(async () => (await passed(device.address)) >= 4 * megabytes)
    await buy(agent, device, { bytes: 4 * megabytes })
    await until(async () => (await passed(device.address)) >= 8 * megabytes, 30_000)
    await sleepFor(1000)
    await stream.end()
    const beyond = (await passed(device.address)) - 8 * megabytes
    console.log(`${stage.transport}: ${beyond} bytes past a top-up after a flood`)
    expect(beyond).toBeLessThanOrEqual(2 * packet)
  })

  it('raises the limit in mid-download without a gap, and cuts at the sum', async () => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 15 * megabytes })
    const transfer = device.startDownload()
    await until(async () => (await passed(device.address)) > 5 * megabytes)
    await buy(agent, device, { bytes: 10 * megabytes })
    let longest = 0
    for (let now = 0, last = performance.now(); now < 20 * megabytes; ) {
      const before = now
      now = await passed(device.address)
      if (now === before) continue
      longest = Math.max(longest, performance.now() - last)
      last = performance.now()
    }
    await agent.hears('session.ended')
    await transfer.end()
    const beyond = (await passed(device.address)) - 25 * megabytes
    console.log(`${stage.transport}: ${beyond} bytes past a top-up, nothing for ${Math.round(longest)} ms at most`)
    expect(beyond).toBeGreaterThanOrEqual(0)
    expect(beyond).toBeLessThanOrEqual(packet)
    // One reading takes up to half of that on a busy machine; a stream that was cut goes on after seconds.
    expect(longest).toBeLessThan(1000)
  })

  it('keeps what is left over a pause, and cuts at the lot all the same', async () => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    await device.download(5 * megabytes)
    await agent.command({ command: 'session.pause', mac: device.mac })
    await until(async () => !(await device.isOnline()), 20_000)
    await agent.command({ command: 'session.resume', mac: device.mac })
    // openNDS has forgotten a device whose gate it shut: its browser meets the page again.
    await device.browse()
    await until(() => device.isOnline(), 20_000)
    const transfer = device.startDownload()
    const [ended] = await agent.hears('session.ended', 1, 30_000)
    await transfer.end()
    const beyond = (await passed(device.address)) - allotment
    console.log(`${stage.transport}: ${beyond} bytes past ${allotment} with a pause`)
    expect(ended).toMatchObject({ cut: 'kernel', used: { bytes: allotment } })
    expect(beyond).toBeGreaterThanOrEqual(0)
    expect(beyond).toBeLessThanOrEqual(2 * packet)
  })

  it('counts a device at its new address on, and cuts it there', async () => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const [before, after] = [device.address, device.spareAddress]
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    await device.download(5 * megabytes)
    await device.changeAddress(after)
    await device.browse()
    await until(() => device.isOnline(), 30_000)
    const transfer = device.startDownload()
    const [ended] = await agent.hears('session.ended', 1, 30_000)
    await transfer.end()
    const beyond = (await passed(before)) + (await passed(after)) - allotment
    console.log(`${stage.transport}: ${beyond} bytes past ${allotment} at two addresses`)
    expect(ended).toMatchObject({ cut: 'kernel', used: { bytes: allotment } })
    expect(beyond).toBeGreaterThanOrEqual(0)
    expect(beyond).toBeLessThanOrEqual(2 * packet)
  })

  it.each(['alive', 'killed'])('ends a time on its millisecond with the agent %s', async (agentIs) => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const milliseconds = 6000
    const sending = device.startSending()
    const wasOpen = await openTime(2000)
    const started = await open(agent, device, { milliseconds })
    if (agentIs === 'killed') await agent.kill()
    const { first, last } = await wasOpen.ended
    const startedAt = Date.parse(started?.session.startedAt ?? '')
    const beyond = Math.round(last - startedAt - milliseconds)
    await sending.end()
    const before = Math.round(startedAt - first)
    console.log(
      `${stage.transport}: open for ${beyond} ms more than ${milliseconds} ms, and for ${before} ms before them, agent ${agentIs}`,
    )
    // Never less than was bought, but for a pause between two packets. The rest is a slack for coarse clocks, and nft on a busy machine.
    expect(before).toBeGreaterThan(-100)
    expect(beyond).toBeGreaterThan(-100)
    expect(beyond).toBeLessThan(300)
    if (agentIs === 'killed') await agent.start()
    expect((await agent.hears('session.ended'))[0]).toMatchObject({ used: { milliseconds } })
  })

  it('builds its table again when somebody flushes it, and cuts all the same', async () => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const allotment = 15 * megabytes
    await open(agent, device, { bytes: allotment })
    const transfer = device.startDownload()
    await until(async () => (await passed(device.address)) > 3 * megabytes)
    await nft('delete', 'table', 'inet', 'tollgate')
    const [drift] = await agent.hears('gate.drift')
    const [ended] = await agent.hears('session.ended')
    await transfer.end()
    console.log(
      `${stage.transport}: ${(await passed(device.address)) - allotment} bytes past ${allotment} with a table that was flushed`,
    )
    expect(drift).toMatchObject({ kind: 'guard-lost' })
    expect(ended).toMatchObject({ used: { bytes: allotment } })
  })
}
