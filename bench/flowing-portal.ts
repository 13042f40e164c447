// A mock portal through which bytes flow in real time, and which says when each gate moved and what had passed by then.
import type { MockPortal } from '../broker-dev/portal/world.ts'

export interface GateMoved {
  mac: string
  is: 'open' | 'shut'
  /** In monotonic milliseconds. */
  at: number
  /** Bytes since the gate opened, up and down. */
  passed: number
}

interface Flow {
  bytesPerSecond: number
  openedAt: number | undefined
  passed: number
}

// The bytes that a download sends back; they are also the device's sign of life.
const uploadedShare = 0.03

export function createFlowingPortal(portal: MockPortal, now: () => number, moved: (move: GateMoved) => void) {
  const flows = new Map<string, Flow>()

  function pass(): void {
    for (const [mac, flow] of flows) {
      if (flow.openedAt === undefined) continue
      const due = Math.floor(((now() - flow.openedAt) / 1000) * flow.bytesPerSecond)
      const uploaded = Math.floor((due - flow.passed) * uploadedShare)
      portal.transfer(mac, { downloaded: due - flow.passed - uploaded, uploaded })
      flow.passed = due
    }
  }

  function noteGates(): void {
    for (const [mac, flow] of flows) {
      const isOpen = portal.gateOpen(mac)
      if (isOpen === (flow.openedAt !== undefined)) continue
      if (isOpen) flow.passed = 0
      flow.openedAt = isOpen ? now() : undefined
      moved({ mac, is: isOpen ? 'open' : 'shut', at: now(), passed: flow.passed })
    }
  }

  return {
    /** A device that has met the portal page, and takes that much whenever its gate is open. */
    join(mac: string, ip: string, bytesPerSecond: number): void {
      portal.arrive(mac, ip)
      portal.browse(mac)
      flows.set(mac, { bytesPerSecond, openedAt: portal.gateOpen(mac) ? now() : undefined, passed: 0 })
    },
    /** The same portal, with what has flowed until now in its counters. */
    portal: {
      ...portal,
      get running() {
        return portal.running
      },
      async serve(line: string): Promise<string> {
        pass()
        const reply = await portal.serve(line)
        if (!line.startsWith('json')) noteGates()
        return reply
      },
    } satisfies MockPortal,
  }
}
