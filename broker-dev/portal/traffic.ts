// The bytes that pass the firewall, and those that the daemon's rules count.
import type { Volume } from './client-list.ts'
import { entryOf, type World } from './world-state.ts'

/** The device sends and receives; says what really passed. */
export function transfer(world: World, mac: string, volume: Volume): Volume {
  const nothing = { downloaded: 0, uploaded: 0 }
  if (!world.lan.neighbour(mac)) return nothing
  if (volume.uploaded > 0) world.lan.hear(mac)
  const passes = gateOpen(world, mac)
  if (passes) meter(world, mac, volume)
  // nodogsplash counts what a device sends where it marks it, in mangle PREROUTING (chain ndsOUT in fw_iptables.c), so
  // before a filter drops it; openNDS counts it in the filter (chain ndsULR), where what was dropped does not come.
  else if (world.settings.flavour === 'nodogsplash') meter(world, mac, { ...nothing, uploaded: volume.uploaded })
  return passes ? { ...volume } : nothing
}

/** Whether the firewall lets the device through now, whatever the daemon shows. */
export function gateOpen(world: World, mac: string): boolean {
  const { daemon, isFlushed } = world
  if (!daemon || isFlushed) return true
  if (daemon.blocked.includes(mac)) return false
  return daemon.trusted.includes(mac) || entryOf(world, mac)?.gate?.passes === true
}

function meter(world: World, mac: string, volume: Volume): void {
  const entry = entryOf(world, mac)
  const { daemon, isFlushed } = world
  if (!daemon || !entry?.gate || isFlushed || daemon.trusted.includes(mac)) return
  daemon.list.count(entry, volume)
  daemon.downloaded += volume.downloaded
  daemon.uploaded += volume.uploaded
}
