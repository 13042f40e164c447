// The router's kernel in a simulation, the guard's faults, and what they excuse.
import { aKernel, type Kernel } from '../support/a-kernel.ts'
import { createDice } from './dice.ts'
import { type GuardFollower, type GuardLine, guardOn } from './guard-line.ts'
import { createGuardWatch, type GuardWatch, packet } from './guard-watch.ts'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'
import type { Machine } from './machine.ts'
import type { Script } from './script.ts'
import type { Device, Site } from './site.ts'
import type { Timing } from './timing.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Parts {
  script: Script
  time: VirtualTime
  machine: Machine
  timing: Timing
  violate(what: string): void
  /** The others of the world, which are put together after it. */
  others(): { site: Site; ledger: Ledger; isUp: boolean; isSilent: boolean }
}

export type GuardedKernel = ReturnType<typeof createGuardedKernel>

/** On a router without a guard there is no kernel, and nothing of it is watched. */
export function createGuardedKernel({ script, time, machine, timing, violate, others }: Parts) {
  const { guard } = script.settings
  const now = () => time.now
  const kernel = guard && aKernel(() => time.now - machine.bootedAt, packet)
  const dice = createDice(script.seed + 1)
  const line: GuardLine = { fault: undefined }
  let lives = { isUp: false, at: 0 }
  let badSince = Number.POSITIVE_INFINITY
  let badUntil = 0
  let wasBad = false
  const isBad = () => line.fault === 'refused' || line.fault === 'slow'
  const isBadOrWas = () => isBad() || now() < badUntil
  let guardWatch: GuardWatch | undefined

  function watched(): GuardWatch {
    guardWatch ??= createGuardWatch({
      ...{ devices: others().site.devices, now, grace: timing.repair, violate, livesSince: () => lives },
      sessionOf: ({ mac }) => others().ledger.sessions.get(mac),
      isTroubled: (device) => isBad() || others().isSilent || others().site.isBypassed(device),
    })
    return guardWatch
  }

  const follower: GuardFollower = {
    touch: () => others().site.touch(),
    wasRead: () => others().site.guardRead(),
    letGo: (ips) => others().site.letGo(ips),
  }

  kernel?.listeners.add({
    cut(ips) {
      const cut = others().site.devices.filter(({ ip, present }) => present && ips.includes(ip))
      // The packet that crosses has passed by then.
      time.after(0, () => cut.forEach(watched().cut))
    },
    damaged: () => watched().disturb(),
  })

  return {
    /** Facts for the site. */
    ofSite: {
      kernel: kernel as Kernel | undefined,
      isGuardBad: isBadOrWas,
      isKernelUnread: () => isBadOrWas() && badSince <= lives.at,
      disturbed: (device: Device) => watched().disturb(device),
    },
    line,
    /** The guard as one life of the agent meets it. */
    guardOf: kernel && ((life: Life) => guardOn(life, kernel, line, guard?.latencyMilliseconds ?? 10, dice, follower)),
    booted(): void {
      kernel?.remove()
      watched().disturb()
    },
    /** Something is broken now, or whole again. */
    troubled(): void {
      const { isUp } = others()
      if (lives.isUp !== isUp) lives = { isUp, at: now() }
      if (isBad() || wasBad) watched().disturb()
      if (isBad() && !wasBad) badSince = now()
      if (wasBad && !isBad()) badUntil = now() + 2 * timing.repair
      wasBad = isBad()
    },
    ended(...of: Parameters<GuardWatch['ended']>): void {
      if (kernel && script.settings.hasNeighbours !== false) watched().ended(...of)
    },
  }
}
