// The stage: one action of a script becomes a change of the world, and what it broke is mended when its time is over.
import type { Broker } from './broker.ts'
import type { FaultyDisk } from './faulty-disk.ts'
import type { GuardLine } from './guard-line.ts'
import type { Ledger } from './ledger.ts'
import type { Machine } from './machine.ts'
import { offerOf } from './offer.ts'
import type { PortalLine } from './portal-line.ts'
import type { Router } from './router.ts'
import type { Action } from './script.ts'
import type { Device, Site } from './site.ts'
import type { VirtualTime } from './virtual-time.ts'

interface Parts {
  time: VirtualTime
  machine: Machine
  site: Site
  line: PortalLine
  disk: FaultyDisk
  broker: Broker
  router: Router
  ledger: Ledger
  /** The fault that the kernel's guard has now. */
  guard: GuardLine
  /** Something is broken now, or whole again. */
  troubled(): void
}

export interface Stage {
  play(action: Action): void
  /** Every fault ends now, everybody stops using anything. */
  mendAll(): void
}

export function createStage(parts: Parts): Stage {
  const { time, machine, site, line, disk, broker, router, ledger, guard, troubled } = parts

  /** Sets a fault, and takes it back after a while unless another one has come since. */
  function lasting<T>(milliseconds: number, of: { fault: T | undefined }, fault: T): void {
    of.fault = fault
    troubled()
    time.after(milliseconds, () => {
      if (of.fault === fault) of.fault = undefined
      troubled()
    })
  }

  function play(action: Action) {
    const change = changeOf(site, action)
    if (change) return change()
    switch (action.do) {
      case 'purchase':
        return sell(action.message)
      case 'command':
        return order(action.message)
      case 'kill':
        return router.killAt(action.call, action.phase, action.downMilliseconds)
      case 'stop':
        return router.stop(action.downMilliseconds)
      case 'reboot':
        return router.reboot(action.offMilliseconds)
      case 'set-clock':
        if (action.by === 'hand' || !machine.synced) machine.setWall(action.byMilliseconds, true)
        return
      case 'disk':
        return lasting(action.forMilliseconds, disk, action.fault)
      case 'portal':
        return portalFault(action)
      case 'guard':
        return lasting(action.forMilliseconds, guard, action.fault)
      case 'bypass':
        return bypass(action)
      case 'broker':
        return lasting(action.forMilliseconds, broker, action.fault)
      case 'drop':
        return broker.dropAt(action.packet, action.phase)
      case 'redeliver':
        return broker.redeliver(action.how)
    }
  }

  function bypass({ device: number, whom, forMilliseconds }: Extract<Action, { do: 'bypass' }>) {
    const device = deviceOf(site, number)
    site.bypass(device, whom)
    time.after(forMilliseconds, () => site.bypass(device))
  }

  function sell(message: Extract<Action, { do: 'purchase' }>['message']) {
    const offer = offerOf(message)
    if (offer) ledger.offered(offer.purchaseId, offer)
    broker.send('purchase', Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)))
  }

  function order(message: Extract<Action, { do: 'command' }>['message']) {
    for (const mac of [message.mac, message.from]) ledger.ordered(String(mac))
    broker.send('command', Buffer.from(JSON.stringify(message)))
  }

  function portalFault({ fault, forMilliseconds }: Extract<Action, { do: 'portal' }>) {
    if (fault !== 'stopped') return lasting(forMilliseconds, line, fault)
    site.stop()
    troubled()
    time.after(forMilliseconds, () => {
      // Without power no portal starts; it comes back with the router.
      if (!router.isOff) site.start()
      troubled()
    })
  }

  return {
    play,
    mendAll() {
      line.fault = disk.fault = undefined
      guard.fault = undefined
      for (const device of site.devices) site.bypass(device)
      broker.fault = undefined
      if (!router.isOff) site.start()
      troubled()
      for (const device of site.devices) device.down = device.up = 0
      router.start()
    },
  }
}

/** The change that an action makes on the site; undefined for one that is about something else. */
function changeOf(site: Site, action: Action): (() => unknown) | undefined {
  switch (action.do) {
    case 'lose-guard':
      return () => site.loseGuard()
    case 'arrive':
      return () => site.arrive(deviceOf(site, action.device))
    case 'leave':
      return () => site.leave(deviceOf(site, action.device))
    case 'new-ip':
      return () => site.newIp(deviceOf(site, action.device))
    case 'kick':
      return () => site.kick(deviceOf(site, action.device))
    case 'deny':
      return () => site.deny(deviceOf(site, action.device))
    case 'renew':
      return () => site.renew(deviceOf(site, action.device))
    case 'splash':
      return () => site.splash(deviceOf(site, action.device), action.custom)
    case 'take-ip':
      return () => site.takeIp(deviceOf(site, action.device), deviceOf(site, action.from), action.byHand === true)
    case 'swap-ips':
      return () => site.swapIps(deviceOf(site, action.device), deviceOf(site, action.with))
    case 'passers-by':
      return () => site.passBy(action.count)
    case 'use':
      return () => {
        site.touch()
        Object.assign(deviceOf(site, action.device), { down: action.down, up: action.up })
      }
    case 'restart-portal':
      return () => site.restart()
  }
  return undefined
}

function deviceOf(site: Site, number: number): Device {
  const device = site.devices[number - 1]
  if (!device) throw new Error(`there is no device ${number}`)
  return device
}
