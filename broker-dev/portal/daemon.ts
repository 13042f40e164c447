// How the running daemon answers one line from its control socket, and what it does by itself.
import type { Client, Terms } from './client-list.ts'
import type { Daemon } from './daemon-state.ts'
import { nodogsplashClients, nodogsplashJson, nodogsplashStatus } from './nodogsplash.ts'
import { openndsJson } from './opennds.ts'
import { openndsStatus } from './opennds-status.ts'

/** The daemon's own check of its list: it ends what is over, and opens for the owner's devices. */
export function lookAfterList(daemon: Daemon): void {
  const { settings, list } = daemon
  list.endWhatIsOver()
  if (settings.now() - daemon.checkedAt < checkIntervalSeconds) return
  daemon.checkedAt = settings.now()
  for (const mac of settings.preemptiveMacs) {
    const client = list.all().find((listed) => listed.mac === mac) ?? admit(daemon, mac, 'preemptive')
    // The text it prints of such a client ends in a line feed.
    if (client) authenticate(daemon, client, { ...termsOf([]), custom: ` preemptivemac-${mac}\n` }, settings.now())
  }
}

const checkIntervalSeconds = 15

/** The reply to one line of the socket; '' for what the daemon does not know. */
export function reply(daemon: Daemon, line: string): string {
  const [command = '', argument] = wordsOf(line)
  lookAfterList(daemon)
  if (command === 'json') return json(daemon, argument)
  if (command === 'status') return status(daemon)
  if (command === 'clients' && daemon.settings.flavour === 'nodogsplash') return nodogsplashClients(daemon)
  const done = commands[command]?.(daemon, argument ?? '')
  return done === undefined ? '' : done ? 'Yes' : 'No'
}

/** Whether a request only reads, which the daemon does first; what it then prints is of that moment, however long it takes. */
export function isReading(line: string): boolean {
  return ['json', 'status', 'clients'].includes(wordsOf(line)[0])
}

/** Opens the gate of a client, unless its MAC needs no gate or may not have one. */
export function authenticate(daemon: Daemon, client: Client, terms: Terms, sessionStart: number): boolean {
  if (client.state === 'Authenticated') return false
  if (daemon.trusted.includes(client.mac) || daemon.blocked.includes(client.mac)) return false
  daemon.list.open(client, terms, sessionStart)
  daemon.authentications++
  return true
}

/** Takes a device onto the list; nothing when the list is full or the MAC is trusted or blocked. */
export function admit(daemon: Daemon, mac: string, type: Client['type']): Client | undefined {
  const neighbour = daemon.neighbour(mac)
  if (!neighbour || daemon.trusted.includes(mac) || daemon.blocked.includes(mac)) return undefined
  return daemon.list.admit(mac, neighbour.ip, type)
}

/** `auth MAC,minutes,uploadRate,downloadRate,uploadQuota,downloadQuota,custom` as openNDS splits it. */
export function termsOf(fields: string[]): Terms {
  const [minutes, uploadRate, downloadRate, uploadQuota, downloadQuota] = fields.map((field) => Number(field) || 0)
  const custom = fields[5] || 'bmE='
  return {
    minutes: minutes ?? 0,
    uploadRate: uploadRate ?? 0,
    downloadRate: downloadRate ?? 0,
    uploadQuota: uploadQuota ?? 0,
    downloadQuota: downloadQuota ?? 0,
    custom,
  }
}

/** The command, and all that follows it. */
export function wordsOf(line: string): [string, string?] {
  const blank = line.indexOf(' ')
  return blank < 0 ? [line] : [line.slice(0, blank), line.slice(blank + 1)]
}

function json(daemon: Daemon, argument: string | undefined): string {
  const { flavour } = daemon.settings
  // openNDS takes an argument too short for a token, an IP or a MAC as none.
  const all = flavour === 'nodogsplash' ? argument === undefined : (argument ?? '').length <= 6
  const client = all ? 'all' : daemon.list.find(argument ?? '')
  return flavour === 'nodogsplash' ? nodogsplashJson(daemon, client) : openndsJson(daemon, client)
}

function status(daemon: Daemon): string {
  return daemon.settings.flavour === 'nodogsplash' ? nodogsplashStatus(daemon) : openndsStatus(daemon)
}

type Command = (daemon: Daemon, argument: string) => boolean | undefined

const commands: Record<string, Command> = {
  auth,
  deauth,
  trust: (daemon, mac) => added(daemon.trusted, mac),
  untrust: (daemon, mac) => removed(daemon.trusted, mac),
  block: (daemon, mac) => unlessGone(daemon, () => added(daemon.blocked, mac)),
  unblock: (daemon, mac) => unlessGone(daemon, () => removed(daemon.blocked, mac)),
  // The list of allowed MACs is off while the daemon works by a list of blocked ones, which is the usual setting.
  allow: (daemon) => unlessGone(daemon, () => false),
  unallow: (daemon) => unlessGone(daemon, () => false),
  debuglevel: () => true,
}

function auth(daemon: Daemon, argument: string): boolean {
  const { flavour, preemptiveAuth, now } = daemon.settings
  const [name = '', ...fields] = flavour === 'nodogsplash' ? [argument] : argument.split(',')
  const client = daemon.list.find(name) ?? (preemptiveAuth ? admit(daemon, name, 'preemptive') : undefined)
  if (!client) return false
  return authenticate(daemon, client, termsOf(fields), flavour === 'nodogsplash' ? 0 : now())
}

function deauth(daemon: Daemon, name: string): boolean {
  const client = daemon.list.find(name)
  if (client?.state !== 'Authenticated') return false
  daemon.list.shut(client)
  return true
}

function unlessGone(daemon: Daemon, command: () => boolean): boolean | undefined {
  return daemon.settings.flavour === 'opennds-10' ? undefined : command()
}

function added(macs: string[], mac: string): boolean {
  if (macs.includes(mac)) return false
  macs.unshift(mac)
  return true
}

function removed(macs: string[], mac: string): boolean {
  const at = macs.indexOf(mac)
  if (at >= 0) macs.splice(at, 1)
  return at >= 0
}
