// Each fault as it is done to a router, and undone.
import type { Link } from '../broker/link.ts'
import type { Router } from '../router/router.ts'
import type { FaultId, Impossible } from './faults.ts'

/** A router as far as a fault reaches into it. */
export interface FaultyRouter
  extends Pick<Router, 'portal' | 'crowd' | 'killAgent' | 'startAgent' | 'machine' | 'setMachine'> {
  routerId: string
  link: Pick<Link, 'slowness'>
}

export interface FaultyBroker {
  /** It is gone, and nobody is let in. */
  drop(): Promise<void>
  comeBack(): Promise<void>
}

export interface Done {
  did: string
  macs?: readonly string[]
  /** Undoes it, and says what that was. Absent where nothing is left to undo. */
  heal?(): Promise<string> | string
}

type Doing = (router: FaultyRouter, broker: FaultyBroker) => Done | Impossible | Promise<Done>

export const doings: Readonly<Record<FaultId, Doing>> = {
  async 'kill-agent'({ routerId, killAgent, startAgent }) {
    await killAgent()
    return {
      did: `the agent of ${routerId} is killed`,
      async heal() {
        await startAgent()
        return `the agent of ${routerId} is started again`
      },
    }
  },
  'restart-portal'({ routerId, portal }) {
    portal.restart()
    return { did: `the portal of ${routerId} has started again and forgotten everybody` }
  },
  'hang-portal'({ routerId, portal: { faults } }) {
    faults.hang = true
    return {
      did: `the portal of ${routerId} answers nobody`,
      heal() {
        faults.hang = false
        return `the portal of ${routerId} answers again`
      },
    }
  },
  'log-out'(router) {
    const [device] = onlineAt(router)
    if (!device) return nobodyOnline(router)
    router.portal.deny(device.mac)
    return { did: `${device.mac} has logged out at the portal of ${router.routerId}`, macs: [device.mac] }
  },
  'share-address'(router) {
    const [owner] = onlineAt(router)
    if (!owner) return nobodyOnline(router)
    const others = router.crowd.inRange().filter(({ ip }) => ip !== owner.ip)
    const [other] = others.filter(({ mac }) => openAt(router).has(mac)).concat(others)
    if (!other) return { outcome: 'impossible', code: 'nobody-else', why: `no second device is at ${router.routerId}` }
    router.crowd.borrowAddress(other.mac, owner.ip)
    return {
      did: `${other.mac} speaks from ${owner.ip}, the address of ${owner.mac}`,
      macs: [owner.mac, other.mac],
      heal() {
        router.crowd.borrowAddress(other.mac, undefined)
        return `${other.mac} has an address of its own again`
      },
    }
  },
  'flush-firewall'({ routerId, portal }) {
    portal.flushFirewall()
    let isFlushed = true
    const unwatch = portal.watch((isRunning) => {
      if (isRunning) isFlushed = false
    })
    return {
      did: `the firewall of ${routerId} is empty: everybody is through, and nobody is counted`,
      heal() {
        unwatch()
        if (!isFlushed) return `the firewall of ${routerId} was built again when its portal started`
        portal.restart()
        return `the portal of ${routerId} was restarted, and its firewall with it`
      },
    }
  },
  'fill-disk'({ routerId, setMachine }) {
    setMachine({ isDiskFull: true })
    return {
      did: `the disk of ${routerId} is full`,
      heal() {
        setMachine({ isDiskFull: false })
        return `the disk of ${routerId} has room again`
      },
    }
  },
  async 'drop-broker'(_, broker) {
    await broker.drop()
    return {
      did: 'the broker is gone, with all that it kept',
      async heal() {
        await broker.comeBack()
        return 'another broker stands in its place'
      },
    }
  },
  'slow-link'({ routerId, link }) {
    link.slowness = { bytesPerSecond: 1000, delayMilliseconds: 2000 }
    return {
      did: `${routerId} reaches the broker in 2 s, with 1,000 bytes a second`,
      heal() {
        link.slowness = undefined
        return `the link of ${routerId} is quick again`
      },
    }
  },
  'jump-clock'({ routerId, setMachine }) {
    setMachine({ wallAhead: 3 * hour })
    return {
      did: `the clock of ${routerId} is 3 hours ahead`,
      heal() {
        setMachine({ wallAhead: 0 })
        return `the clock of ${routerId} is right again`
      },
    }
  },
  'unplug-device'(router) {
    const [device] = onlineAt(router)
    if (!device) return nobodyOnline(router)
    const { mac } = device
    router.crowd.unplug(mac)
    return {
      did: `${mac} is out of range of ${router.routerId}`,
      macs: [mac],
      heal() {
        router.crowd.plugIn(mac)
        return `${mac} is in range again`
      },
    }
  },
}

const hour = 3_600_000

function onlineAt(router: FaultyRouter) {
  return router.crowd.inRange().filter(({ mac }) => openAt(router).has(mac))
}

/** The portal has opened their gates: a gate that an empty firewall leaves open is none of them. */
export function openAt({ portal }: Pick<FaultyRouter, 'portal'>): ReadonlySet<string> {
  return new Set(portal.listed().flatMap(({ mac, state }) => (state === 'Authenticated' ? [mac] : [])))
}

function nobodyOnline({ routerId }: FaultyRouter): Impossible {
  return { outcome: 'impossible', code: 'nobody-online', why: `nobody is online at ${routerId}: try again in a moment` }
}
