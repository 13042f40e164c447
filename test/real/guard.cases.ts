// The router's real kernel keeps the last byte and the last millisecond, behind a real portal, with the agent alive or killed.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { execa } from 'execa'
import { expect, it } from 'vitest'
import { gateway, inside } from '../support/lab/namespaces.ts'
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
  // The table of the agent of another case bears another name, and would be left alone.
  const startAgent = async (env = {}) => {
    await nft('delete', 'table', 'inet', 'tollgate')
    return stage.startAgent({ ...guarded, ...env })
  }

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

  it.each(['alive', 'killed'])('ends a time on its millisecond with the agent %s', async (agentIs) => {
    const agent = await startAgent()
    const device = await stage.aDevice()
    const milliseconds = 8000
    await buy(agent, device, { milliseconds })
    await until(() => device.isOnline(), 20_000)
    const opened = performance.now()
    await agent.hears('session.started')
    const stream = device.startStream(500_000)
    if (agentIs === 'killed') await agent.kill()
    let last = opened
    for (let before = 0; performance.now() - opened < milliseconds + 2000; ) {
      const now = await passed(device.address)
      if (now > before) last = performance.now()
      before = now
    }
    await stream.end()
    console.log(
      `${stage.transport}: the last packet ${Math.round(last - opened - milliseconds)} ms past ${milliseconds} ms, agent ${agentIs}`,
    )
    // The device asks for something every now and then, and sees its gate open so much later than it is.
    expect(last - opened).toBeGreaterThan(milliseconds - 1500)
    expect(last - opened).toBeLessThan(milliseconds + 600)
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
