// Strangers who walk away, customers who write what they like and log out when they like, addresses that are handed on:
// nobody is blinded by them, nobody pays for another, nobody rides free.
import { setTimeout as sleepFor } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { buy, measured, megabytes, oftenMeasured, open, reading, type Stage } from './lab-stage.ts'

export function strangers(stage: Stage): void {
  it('cuts a payer at the lot and lets a new one in while six strangers who left stand in the list', async ({
    annotate,
  }) => {
    const agent = await stage.startAgent()
    const payer = await stage.aDevice()
    const leaving = []
    for (let stranger = 0; stranger < 6; stranger++) leaving.push(await stage.aDevice())
    const newPayer = await stage.aDevice()
    const lot = 40 * megabytes
    await open(agent, payer, { bytes: lot })
    for (const stranger of leaving) await stranger.leave()
    const transfer = payer.startDownload()
    await until(async () => (await stage.lab.passed(payer.address)).total > lot / 4)
    await buy(agent, newPayer, { bytes: megabytes })
    const [, started] = await agent.hears('session.started', 2, 60_000)
    await agent.hears('session.ended', 1, 60_000)
    await transfer.end()
    const overshoot = (await stage.lab.passed(payer.address)).total - lot
    const late = overshoot / (stage.linkMegabits * 125_000)
    await annotate(
      `${late.toFixed(2)} s late (${overshoot} bytes), new payer in ${started?.openedAfterMilliseconds} ms`,
    )
    expect(overshoot).toBeGreaterThanOrEqual(0)
    expect(late).toBeLessThan(await stage.allowed(stage.transport === 'exec' ? 3 : 1.5))
    // Four calls let it in; the payer's looks come between, and one call may be under way.
    expect(started?.openedAfterMilliseconds).toBeLessThan((await stage.allowed(5, 12)) * 1000)
    expect(agent.ofType('gate.drift').map(({ kind }) => kind)).not.toContain('portal-unreachable')
  }, 120_000)

  it('believes nothing that a customer writes', async () => {
    const agent = await stage.startAgent(oftenMeasured)
    const [payer, writer] = [await stage.aDevice(), await stage.aDevice()]
    await open(agent, payer, { bytes: 50 * megabytes })
    await payer.download(megabytes)
    const before = await measured(agent, payer)
    const texts = ['x",\n"state":"Preauthenticated",\n"y":"z', `x",\n"mac":"${payer.mac}",\n"y":"z`, 'x\n",']
    const seen = []
    for (const text of texts) {
      await writer.browse()
      await writer.logIn(text)
      const isLoggedIn = await writer.isOnline()
      await until(async () => !(await writer.isOnline()), 75_000)
      seen.push(isLoggedIn)
    }
    const after = await measured(agent, payer)
    const kinds = agent.ofType('gate.drift').map(({ kind }) => kind)
    expect({ used: after.used, state: after.state }).toEqual({ used: before.used, state: 'open' })
    expect(seen).toContain(true)
    expect(kinds).not.toContain('portal-unreachable')
    expect(kinds).toContain('open-but-unpaid')
  }, 300_000)

  it('charges or states what a customer uses who logs out again and again', async ({ annotate }) => {
    const agent = await stage.startAgent()
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 2000 * megabytes })
    for (let round = 0; round < 14; round++) {
      await device.downloadFor(2)
      await device.logOut()
      await device.browse()
      await until(() => device.isOnline(), 30_000)
    }
    await agent.command({ command: 'session.end', mac: device.mac })
    const [ended] = await agent.hears('session.ended')
    const { total } = await stage.lab.passed(device.address)
    const charged = ended?.used?.bytes ?? 0
    const unread = ended?.unreadBytes ?? 0
    await annotate(
      `${total} bytes passed, ${charged} charged, ${unread} stated: ${((charged + unread) / total).toFixed(3)}`,
    )
    expect((charged + unread) / total).toBeGreaterThan(0.9)
    expect((charged + unread) / total).toBeLessThan(1.15)
    expect(charged / total).toBeGreaterThan(0.5)
  }, 240_000)

  it('charges each of two payers for its own when one gets the address of the other', async ({ annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const [first, second] = [await stage.aDevice(), await stage.aDevice()]
    const address = first.address
    await open(agent, first, { bytes: 100 * megabytes })
    await first.download(5 * megabytes)
    const passedFirst = (await stage.lab.passed(address)).total
    const before = await measured(agent, first)
    await first.leave()
    await second.changeAddress(address)
    await second.browse()
    await buy(agent, second, { bytes: 30 * megabytes })
    await until(() => second.isOnline(), 20_000)
    await second.download(10 * megabytes)
    const after = await measured(agent, second)
    const passedSecond = (await stage.lab.passed(address)).total - passedFirst
    const ofFirst = agent
      .ofType('usage')
      .at(-1)
      ?.sessions.find(({ mac }) => mac === first.mac)
    await annotate(`first ${ofFirst?.used.bytes} of ${passedFirst}, second ${after.used.bytes} of ${passedSecond}`)
    // The last packets may have passed after that reading, and are the first one's own.
    expect((ofFirst?.used.bytes ?? 0) - (before.used.bytes ?? 0)).toBeLessThan(0.01 * passedFirst)
    expect(Math.abs((ofFirst?.used.bytes ?? 0) / passedFirst - 1)).toBeLessThan(0.01)
    expect(Math.abs((after.used.bytes ?? 0) / passedSecond - 1)).toBeLessThan(0.01)
  }, 120_000)

  it('charges a device at the address of a stranger who met the page there, also when it buys again', async ({
    annotate,
  }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const [stranger, payer] = [await stage.aDevice(), await stage.aDevice()]
    const address = stranger.address
    await stranger.leave()
    await payer.changeAddress(address)
    await payer.browse()
    await open(agent, payer, { bytes: 100 * megabytes })
    // Only the whole list shows an entry behind an older one, and openNDS 9.10 is asked for it every ten seconds at most.
    await until(() => payer.isOnline(), 20_000)
    await payer.download(5 * megabytes)
    await measured(agent, payer)
    await agent.command({ command: 'session.end', mac: payer.mac })
    const [first] = await agent.hears('session.ended')
    const passedFirst = (await stage.lab.passed(address)).total
    await payer.browse()
    await buy(agent, payer, { bytes: 100 * megabytes })
    await until(() => payer.isOnline(), 20_000)
    await payer.download(3 * megabytes)
    const second = await measured(agent, payer)
    const passedSecond = (await stage.lab.passed(address)).total - passedFirst
    await annotate(`${first?.used?.bytes} of ${passedFirst}, then ${second.used.bytes} of ${passedSecond}`)
    expect(Math.abs((first?.used?.bytes ?? 0) / passedFirst - 1)).toBeLessThan(0.01)
    expect(Math.abs((second.used.bytes ?? 0) / passedSecond - 1)).toBeLessThan(0.01)
  }, 120_000)

  it('lets a device in again whose rules went with those of a shorter address, and charges no time for it', async ({
    annotate,
  }) => {
    const agent = await stage.startAgent({ AGENT_USAGE_INTERVAL_MS: '500' })
    const [short, long] = [await stage.lab.plugInDevice(), await stage.lab.plugInDevice()]
    await short.changeAddress('192.168.66.20')
    await long.changeAddress('192.168.66.208')
    for (const device of [short, long]) await device.browse()
    await open(agent, short, { milliseconds: 600_000 })
    await buy(agent, long, { milliseconds: 600_000 })
    await agent.hears('session.started', 2)
    const before = await reading(agent, long)
    await stage.lab.shutByHand(short.address)
    const shutAt = performance.now()
    await until(async () => !(await long.isOnline()), 5000)
    let blocked = 0
    for (; blocked < 40 && !(await long.isOnline()); blocked++) {
      await long.browse().catch(() => {})
      await sleepFor(1000)
    }
    const waited = (performance.now() - shutAt) / 1000
    const after = await reading(agent, long)
    const charged = ((after.session.used.milliseconds ?? 0) - (before.session.used.milliseconds ?? 0)) / 1000
    const elapsed = (after.readAt - before.readAt) / 1000
    await annotate(`through after ${waited.toFixed(1)} s, ${charged.toFixed(1)} s charged of ${elapsed.toFixed(1)} s`)
    // A look of ten seconds until it is noticed, and two more from its first request on.
    expect(waited).toBeLessThan(31)
    // One look may pass until the agent knows that the gate lets nothing through.
    expect(charged).toBeLessThan(elapsed - waited + 11)
  }, 120_000)
}
