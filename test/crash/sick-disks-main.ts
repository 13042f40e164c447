// Shows what a router on a sick disk still does: a tmpfs of 512 KiB and of 2 MiB that fills up, an ext4 that turns read-only, a
// file system that is frozen, so that writes hang. Needs root; prints a line for each.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { commandLine } from '../../broker-dev/command-line.ts'
import { mosquitto, type TestBroker } from '../support/brokers/brokers.ts'
import { ip, mac, openRouter, type Router } from '../support/processes/watched-router.ts'
import { until } from '../support/until.ts'

commandLine(
  'npm run sick-disks --',
  'Shows what a router on full, read-only and hanging disks still does; needs root.',
).parse()
const run = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: 'pipe' })
const image = join(tmpdir(), `tollgate-ext4-${process.pid}.img`)
const allotment = 1_000_000
const patience = 30_000

interface SickDisk {
  name: string
  mount(folder: string): void
  hurt(folder: string): void
  heal(folder: string): void
  unmount(folder: string): void
}

function tmpfs(size: string): SickDisk {
  return {
    name: `tmpfs of ${size}, full`,
    mount: (folder) => run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder),
    hurt(folder) {
      const { bavail, bsize } = statfsSync(folder)
      writeFileSync(join(folder, 'ballast'), Buffer.alloc(bavail * bsize))
    },
    heal: (folder) => rmSync(join(folder, 'ballast')),
    unmount: (folder) => run('umount', '-l', folder),
  }
}

function ext4(name: string, hurt: SickDisk['hurt'], heal: SickDisk['heal']): SickDisk {
  return {
    name,
    mount(folder) {
      writeFileSync(image, Buffer.alloc(16 * 1024 * 1024))
      run('mkfs.ext4', '-q', image)
      run('mount', '-o', 'loop', image, folder)
    },
    hurt,
    heal,
    unmount(folder) {
      run('umount', '-l', folder)
      rmSync(image)
    },
  }
}

const disks: SickDisk[] = [
  tmpfs('512k'),
  tmpfs('2m'),
  ext4(
    'ext4, read-only',
    // As the kernel does it after an error; only another mount takes writes again.
    (folder) => run('mount', '-o', 'remount,abort', folder),
    (folder) => {
      run('umount', '-l', folder)
      spawnSync('e2fsck', ['-fy', image])
      run('mount', '-o', 'loop', image, folder)
    },
  ),
  ext4(
    'ext4, frozen: writes hang',
    (folder) => run('fsfreeze', '-f', folder),
    (folder) => run('fsfreeze', '-u', folder),
  ),
]

async function took(isSo: () => boolean): Promise<number> {
  const from = performance.now()
  await until(isSo, patience)
  return Math.round(performance.now() - from)
}

async function story(router: Router, disk: SickDisk, folder: string): Promise<string> {
  for (const device of [1, 2]) router.browse(mac(device), ip(device))
  await router.start()
  for (const device of [1, 2])
    await router.publish({ purchaseId: `p${device}`, mac: mac(device), metric: 'bytes', allotment })
  await router.hears('session.started', 2)
  disk.hurt(folder)
  const says = () => router.statuses.at(-1)
  await router.publish({ purchaseId: 'p3', mac: mac(3), metric: 'bytes', allotment })
  const degraded = await took(() => says()?.state === 'degraded')
  router.portal.transfer(mac(1), { downloaded: allotment, uploaded: 0 })
  const shut = await took(() => !router.portal.gateOpen(mac(1)))
  const from = performance.now()
  await router.command({ command: 'sessions' })
  const command = Math.round(performance.now() - from)
  const wasOffline = router.statuses.slice(1).some((status) => status.state === 'offline')
  let restart = 'not tried'
  if (!disk.name.includes('hang')) {
    await router.kill()
    const before = router.statuses.length
    const begun = performance.now()
    router.start().catch(() => {})
    await until(() => router.statuses.slice(before).some((status) => status.state === 'degraded'), patience)
    await until(() => router.portal.gateOpen(mac(2)) && !router.portal.gateOpen(mac(1)), patience)
    restart = `degraded and gates right after ${Math.round(performance.now() - begun)} ms`
  }
  disk.heal(folder)
  const healed = await took(() => says()?.state === 'online')
  const sold = await took(() => router.ofType('purchase.accepted').some((event) => event.purchaseId === 'p3'))
  const ended = router.ofType('session.ended').length
  const stopped = performance.now()
  const code = await router.stop()
  return [
    `degraded ${degraded} ms`,
    `spent gate shut ${shut} ms`,
    `command ${command} ms`,
    `offline meanwhile: ${wasOffline ? 'yes' : 'no'}`,
    `killed and started: ${restart}`,
    `healed ${healed} ms, the waiting purchase sold ${sold} ms later, ${ended} end told`,
    `stop: code ${code} in ${Math.round(performance.now() - stopped)} ms`,
  ].join('; ')
}

const broker: TestBroker = await mosquitto.open()
for (const disk of disks) {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-sick-'))
  disk.mount(folder)
  const state = join(folder, 'state')
  mkdirSync(state)
  const router = await openRouter({
    url: broker.url,
    env: { AGENT_STATE_DIR: state, AGENT_CHECKPOINT_INTERVAL_MS: '2000' },
  })
  try {
    console.log(`${disk.name}: ${await story(router, disk, folder)}`)
  } catch (err) {
    console.log(`${disk.name}: FAILED ${err}; ${JSON.stringify(router.statuses.at(-1))}`)
    try {
      disk.heal(folder)
    } catch {}
    process.exitCode = 1
  } finally {
    await router.close()
    disk.unmount(folder)
    rmSync(folder, { recursive: true, force: true })
  }
}
await broker.close()
