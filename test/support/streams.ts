// Devices that go on and on: what each moves in the time that passes, and what of it really came through.
import type { MockPortal } from '../../broker-dev/portal/world.ts'
import { aMac } from './builders.ts'

export interface Streams {
  /** From now on the device receives so many megabits a second, as long as its gate lets them through; 0 = it stops. */
  set(device: number, megabits: number): void
  /** Lets pass what passed since this was last called. Whatever may move a gate calls it first. */
  flow(): void
  /** Bytes that came through to the device so far. */
  passed(device: number): number
  /** Milliseconds in which its gate was open while it was streaming. */
  openFor(device: number): number
}

export function createStreams(portal: MockPortal, now: () => number): Streams {
  const rates = new Map<number, number>()
  const passed = new Map<number, number>()
  const open = new Map<number, number>()
  let flowedAt = now()

  function flow(): void {
    const milliseconds = now() - flowedAt
    flowedAt = now()
    if (milliseconds <= 0) return
    for (const [device, bytesPerMillisecond] of rates) {
      const volume = { downloaded: Math.round(bytesPerMillisecond * milliseconds), uploaded: 0 }
      const isOpen = portal.gateOpen(aMac(device))
      const { downloaded } = portal.transfer(aMac(device), volume)
      add(passed, device, downloaded)
      if (isOpen) add(open, device, milliseconds)
    }
  }

  const add = (sums: Map<number, number>, device: number, amount: number) =>
    sums.set(device, (sums.get(device) ?? 0) + amount)

  return {
    set(device, megabits) {
      flow()
      rates.set(device, megabits * 125)
    },
    flow,
    passed(device) {
      flow()
      return passed.get(device) ?? 0
    },
    openFor(device) {
      flow()
      return open.get(device) ?? 0
    },
  }
}
