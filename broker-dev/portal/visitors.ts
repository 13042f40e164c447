// The customers' own doings at the portal's pages.
import { admit, authenticate, termsOf } from './daemon.ts'
import { entryOf, type World } from './world-state.ts'

/** The device's browser meets the portal page; says whether the daemon knows it now. */
export function browse(world: World, mac: string): boolean {
  const { daemon, lan } = world
  lan.hear(mac)
  if (!daemon || !lan.neighbour(mac) || daemon.trusted.includes(mac) || daemon.blocked.includes(mac)) return false
  return (entryOf(world, mac) ?? admit(daemon, mac, 'cpd_can')) !== undefined
}

/** The button of the portal page, which opens the gate without `ndsctl`. */
export function splashLogin(world: World, mac: string, custom = ''): boolean {
  const { daemon, settings } = world
  if (!daemon || !browse(world, mac)) return false
  const entry = entryOf(world, mac)
  if (!entry || !authenticate(daemon, entry, termsOf(['', '', '', '', '', custom]), settings.now())) return false
  entry.lastActive = settings.now()
  return true
}

/** The page to log out, which shuts the gate without `ndsctl`; whether it was open. */
export function deny(world: World, mac: string): boolean {
  const { daemon, lan } = world
  lan.hear(mac)
  const entry = lan.neighbour(mac) && entryOf(world, mac)
  if (entry?.state !== 'Authenticated') return false
  daemon?.list.shut(entry)
  return true
}
