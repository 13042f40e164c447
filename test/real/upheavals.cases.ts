// Whatever restarts, leaves or moves in mid-session: the gate follows the books, and nothing is charged twice.
import { expect, it } from 'vitest'
import { until } from '../support/until.ts'
import { buy, measured, megabytes, oftenMeasured, open, type Stage } from './lab-stage.ts'

export function upheavals(stage: Stage): void {
  it('goes on exactly after SIGKILL in the middle of a download', async ({ annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    const passedMoreThan = (bytes: number) => async () => (await stage.lab.passed(device.address)).total > bytes
    await open(agent, device, { bytes: 100 * megabytes })
    const openings = await stage.lab.authentications()
    const transfer = device.startDownload()
    await until(passedMoreThan(6 * megabytes))
    await measured(agent, device)
    await agent.kill()
    await until(passedMoreThan((await stage.lab.passed(device.address)).total + 3 * megabytes))
    await agent.start()
    await transfer.end()
    const { used } = await measured(agent, device)
    const counted = await stage.lab.counted(device.address)
    await annotate(`charged ${used.bytes} of ${counted.total} bytes`)
    const uncharged = counted.total - (used.bytes ?? 0)
    // The portal tells both directions in KiB, rounded down.
    const isExact = uncharged >= 0 && uncharged < 2 * 1024
    const openedAgain = (await stage.lab.authentications()) - openings
    expect({ isExact, openedAgain }).toEqual({ isExact: true, openedAgain: 0 })
  })

  it('lets a device leave and come back to the same session', async () => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 50 * megabytes })
    await device.download(2 * megabytes)
    const before = await measured(agent, device)
    await device.leave()
    const away = await measured(agent, device)
    await device.comeBack()
    await device.download(2 * megabytes)
    const after = await measured(agent, device)
    const counted = await stage.lab.counted(device.address)
    const uncharged = counted.total - (after.used.bytes ?? 0)
    expect({ away: away.used, sessionId: after.sessionId, isExact: uncharged >= 0 && uncharged < 2 * 1024 }).toEqual({
      away: before.used,
      sessionId: before.sessionId,
      isExact: true,
    })
  })

  it('opens a paid device at its new address too, charges both, and shuts both', async ({ annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    const [oldAddress, newAddress] = [device.address, device.spareAddress]
    await open(agent, device, { bytes: 50 * megabytes })
    await device.download(2 * megabytes)
    await device.changeAddress(newAddress)
    await device.browse()
    const met = performance.now()
    await until(() => device.isOnline(), 20_000)
    const waited = Math.round(performance.now() - met)
    await device.download(2 * megabytes)
    const { used } = await measured(agent, device)
    const counted = (await stage.lab.counted(oldAddress)).total + (await stage.lab.counted(newAddress)).total
    await annotate(
      `open ${waited} ms after the page was met, charged ${used.bytes} of ${counted} bytes at two addresses`,
    )
    await agent.command({ command: 'session.end', mac: device.mac })
    const isOnlineAtNew = await device.isOnline()
    await device.changeAddress(oldAddress)
    const isOnlineAtOld = await device.isOnline()
    const isCharged = Math.abs((used.bytes ?? 0) / counted - 1) < 0.01
    expect({ isCharged, isOnlineAtNew, isOnlineAtOld }).toEqual({
      isCharged: true,
      isOnlineAtNew: false,
      isOnlineAtOld: false,
    })
  })

  it('is as quick as ever when the portal has been slow for a while', async ({ annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const away = await stage.aDevice()
    await open(agent, away, { bytes: 50 * megabytes })
    // openNDS waits a second for every listed device that the router cannot see.
    await away.leave()
    for (let looks = 0; looks < 6; looks += 2) await measured(agent, away)
    await away.comeBack()
    await until(() => away.isOnline())
    const device = await stage.aDevice()
    await buy(agent, device, { bytes: megabytes })
    const [, started] = await agent.hears('session.started', 2)
    // A look that is under way, the newcomer's entry, its gate, and both entries read once more.
    const allowed = (await stage.allowed(3, 10)) * 1000
    await annotate(`open ${started?.openedAfterMilliseconds} ms after the purchase; ${Math.round(allowed)} are allowed`)
    expect(started?.openedAfterMilliseconds).toBeLessThan(allowed)
  })

  const ends = ['stopped', 'killed'] as const
  it.for(ends)('opens a paid device again when the portal was %s and started', async (how, { annotate }) => {
    const agent = await stage.startAgent(oftenMeasured)
    const device = await stage.aDevice()
    await open(agent, device, { bytes: 50 * megabytes })
    await device.download(4 * megabytes)
    const before = await measured(agent, device)
    await (how === 'stopped' ? stage.lab.daemon.stop() : stage.lab.daemon.kill())
    // Without the portal nobody is charged: stopped it leaves everybody on line, killed whoever was.
    await device.download(2 * megabytes)
    await stage.lab.daemon.start()
    const isShut = !(await device.isOnline())
    await device.browse()
    await until(() => device.isOnline())
    await device.download(3 * megabytes)
    const after = await measured(agent, device)
    const counted = await stage.lab.counted(device.address)
    const charged = (after.used.bytes ?? 0) - (before.used.bytes ?? 0)
    await annotate(`${before.used.bytes} charged before, ${charged} of ${counted.total} bytes after`)
    const isCharged = Math.abs(charged / counted.total - 1) < 0.01
    const starts = agent.ofType('session.started').length
    expect({ isShut, isCharged, starts }).toEqual({ isShut: true, isCharged: true, starts: 1 })
  })
}
