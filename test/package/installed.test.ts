// Goes the way of docs/install.md on a bare Debian, command by command, to a mock portal's open gate, and on from there by
// docs/operations.md: upgraded and rolled back with an open session, backed up, moved, removed, purged.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { whyNoTests } from '../support/debian/missing-programs.ts'
import { commandsIn } from '../support/debian/pages.ts'
import { shippedVersion } from '../support/debian/shipped-package.ts'
import { until } from '../support/until.ts'
import { type BareMachine, next, openBareMachine } from './bare-machine.ts'

const missing = whyNoTests()
if (missing) it.skip(`a Debian: ${missing}`)

const phone = 'ac:e0:10:12:2d:75'
const laptop = 'ac:e0:10:12:2d:76'
// openNDS counts them.
const mebibyte = 1024 * 1024

describe.skipIf(missing)('a Debian', () => {
  let machine: BareMachine
  beforeAll(async () => {
    machine = await openBareMachine()
    machine.portal.arrive(phone, '192.168.66.101')
    machine.portal.browse(phone)
  })
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') console.error(await machine.logs())
  })
  afterAll(() => machine?.close())

  it('becomes a broker by the page', async () => {
    await machine.follow('docs/install.md', 'The broker')

    expect(await machine.sh('systemctl is-active mosquitto && echo runs')).toBe('runs')
    // Without a router's id its own agent is not started, and the package is installed all the same.
    expect(await machine.agent()).toBe('')
  })

  it('becomes a router by the page', async () => {
    expect(await machine.follow('docs/install.md', 'The router')).toContain('the settings are sound')
    await machine.online()
    expect(await machine.agent()).toMatch(/^\d+$/)
    expect(await machine.sh('systemctl is-enabled tollgate-fleet')).toBe('enabled')
  })

  it('sells to the first device by the page', async () => {
    const said = await machine.follow('docs/install.md', 'The first purchase')

    expect(said).toMatch(/r1 +online/)
    expect(said).toMatch(/gate open \d+ ms after the purchase/)
    expect(machine.portal.gateOpen(phone)).toBe(true)
  })

  it('shows the fleet on its page', async () => {
    const shown = await machine.till(`
      TOLLGATE_PAGE_TOKEN=abcdefghijklmnopqrst tollgate-fleet page --listen 127.0.0.1:8081 &
      page=$!
      /usr/lib/tollgate-fleet/node --input-type=module -e '
        const get = (path) => fetch("http://127.0.0.1:8081/" + path).then((r) => r.ok ? r.text() : "")
        const until = Date.now() + 20_000
        let page
        while (!(page = await get("").catch(() => "")) && Date.now() < until) await new Promise((r) => setTimeout(r, 100))
        for (const [, file] of page.matchAll(/(?:src|href)="\\.\\/([^"]+)"/g)) console.log(file, (await get(file)).length)'
      kill $page`)

    expect(shown).toMatch(/\.js \d{5,}$/m)
    expect(shown).toMatch(/\.css \d{4,}$/m)
  })

  it('keeps the agent from everything but its work', async () => {
    const pid = await machine.agent()
    const mounts = (await machine.sh(`cat /proc/${pid}/mounts`)).split('\n').map((line) => line.split(' '))
    const at = (path: string) => mounts.findLast(([, place]) => place === path)?.[3]?.split(',')[0]

    expect(['/', '/var/lib/tollgate-fleet', '/tmp', '/run'].map(at)).toEqual(['ro', 'rw', 'rw', 'rw'])
    const status = await machine.sh(`cat /proc/${pid}/status`)
    // CAP_NET_ADMIN is number 12.
    expect(status).toMatch(/^CapEff:\t0000000000001000\nCapBnd:\t0000000000001000$/m)
    expect(status).toMatch(/^NoNewPrivs:\t1$/m)
    const unit = '/usr/local/lib/as-unit /lib/systemd/system/tollgate-fleet.service'
    await expect(machine.sh(`${unit} touch /etc/mine`)).rejects.toThrow('Read-only file system')
  })

  it('guards what was bought in its own table', async () => {
    expect(await machine.sh('nft list table inet tollgate')).toContain('192.168.66.101')
  })

  it('is upgraded and rolled back with an open session', async () => {
    const [upgrade = ''] = commandsIn('docs/operations.md', 'Upgrade')
    const before = await machine.tells(phone)
    machine.portal.transfer(phone, { downloaded: 5 * mebibyte, uploaded: 0 })
    await machine.perform(upgrade.replace(shippedVersion, next))
    const versions = [await machine.version()]
    const upgraded = await machine.tells(phone)
    machine.portal.transfer(phone, { downloaded: 3 * mebibyte, uploaded: 0 })
    await machine.perform(upgrade)
    versions.push(await machine.version())
    const rolledBack = await machine.tells(phone)

    expect(versions).toEqual([next, shippedVersion])
    expect(new Set([before, upgraded, rolledBack].map(({ agent }) => agent)).size).toBe(3)
    const { epoch, session } = before
    const usedThen = (bytes: number) => ({
      epoch,
      session: { sessionId: session.sessionId, state: 'open', used: { bytes: session.used.bytes + bytes } },
    })
    expect(session.state).toBe('open')
    expect(upgraded).toMatchObject(usedThen(5 * mebibyte))
    expect(rolledBack).toMatchObject(usedThen(8 * mebibyte))
    expect(rolledBack.conservation).toMatchObject({ sold: before.conservation.sold, difference: 0 })
    expect(machine.portal.gateOpen(phone)).toBe(true)
    expect(machine.calls.filter((line) => line.startsWith('deauth'))).toEqual([])
    const events = await machine.events()
    expect(events.map(({ epoch, seq }) => [epoch, seq])).toEqual(events.map((_, index) => [epoch, index + 1]))
  })

  it('is backed up and restored', async () => {
    const [backUp = '', restore = ''] = commandsIn('docs/operations.md', 'Back up and restore')
    const purchaseId = (await machine.events()).find(({ type }) => type === 'purchase.accepted')?.purchaseId
    await machine.perform(backUp)
    const before = await machine.tells(phone)
    machine.portal.arrive(laptop, '192.168.66.102')
    machine.portal.browse(laptop)
    const buyLater = `tollgate-fleet buy --router r1 --mac ${laptop} --amount 1 --id later --within 60`
    await machine.till(buyLater)
    const numbers = (await machine.events()).length
    await machine.perform(restore)
    const after = await machine.tells(phone)
    // Its gate was shut as unpaid.
    await until(() => !machine.portal.gateOpen(laptop))
    machine.portal.browse(laptop)
    await machine.till(
      `${buyLater} && tollgate-fleet buy --router r1 --mac ${phone} --amount 31 --id ${purchaseId} --within 60`,
    )
    const sentAgain = await machine.tells(laptop)

    expect(after.session).toMatchObject({ sessionId: before.session.sessionId, state: 'open' })
    expect(after.conservation).toMatchObject({ sold: before.conservation.sold, difference: 0 })
    // The numbers that the router had given since then are not given again.
    expect(after.epoch).not.toBe(before.epoch)
    expect(numbers).toBeGreaterThan(1)
    expect(sentAgain.session.state).toBe('open')
    expect(sentAgain.conservation.sold).toBe(before.conservation.sold + 22_020_096)
  })

  it('is replaced by another machine that gets its state', async () => {
    const [pack = '', unpack = ''] = commandsIn('docs/operations.md', 'Replace a router')
    const before = await machine.tells(phone)
    await machine.perform(pack)
    // The other machine: nothing of the agent but the package, and a portal that knows nobody.
    await machine.perform(
      'apt-get purge -y tollgate-fleet',
      `apt-get install -y ./tollgate-fleet_${shippedVersion}_amd64.deb`,
    )
    machine.portal.restart()
    await machine.perform(unpack)
    machine.portal.browse(phone)
    await until(() => machine.portal.gateOpen(phone), 30_000)
    const after = await machine.tells(phone)

    const { epoch, session } = before
    expect(after).toMatchObject({ epoch, session: { sessionId: session.sessionId, remaining: session.remaining } })
  })

  it('is removed with what it knows left in place, and purged with nothing left', async () => {
    const [remove = '', purge = ''] = commandsIn('docs/operations.md', 'Uninstall')
    await machine.perform(remove)
    const removed = {
      agent: await machine.agent(),
      tables: await machine.sh('nft list tables'),
      state: await machine.sh('ls /var/lib/tollgate-fleet/state'),
    }
    await machine.perform(purge)

    expect(removed).toEqual({
      agent: '',
      tables: expect.stringContaining('table inet tollgate'),
      state: expect.stringContaining('journal-'),
    })
    expect(machine.portal.gateOpen(phone)).toBe(true)
    expect(await machine.sh('nft list tables')).not.toContain('tollgate')
    expect(await machine.sh("find /etc /usr /var/lib -name '*tollgate-fleet*'")).toBe('')
  })
})
