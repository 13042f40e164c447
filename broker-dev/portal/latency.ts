// How long the daemons' one thread is at a request, as it was measured on two x86 cores; a router is 10 to 40 times slower.

import { type Daemon, wordsOf } from './daemon.ts'

/** In milliseconds; 0 unless a fault says otherwise. */
export function serviceMilliseconds(daemon: Daemon, line: string): number {
  const { flavour, faults } = daemon.settings
  const [command, argument] = wordsOf(line)
  // An empty line is no command: the daemon hangs up.
  if (command === '') return 0
  const fixed = faults.latencyMilliseconds ?? 0
  if (!faults.realistic) return fixed
  return fixed + (flavour === 'nodogsplash' ? nodogsplash : opennds)(daemon, command, argument)
}

// It reads the firewall's counters for all clients with each answer, and runs `iptables` a few times at each order.
function nodogsplash({ list }: Daemon, command: string): number {
  if (command === 'auth') return 12
  if (command === 'deauth') return 50
  return 4.4 + 0.018 * list.all().length
}

function opennds(daemon: Daemon, command: string, argument = ''): number {
  const [name = ''] = argument.split(',')
  const clients = daemon.list.all()
  const isAboutAll = command === 'json' && name.length <= 6
  const asked = isAboutAll ? clients : [daemon.list.find(name)]
  // A client that is no longer on the LAN is looked for again after a second, with the list locked.
  const stalled =
    command === 'json' ? asked.filter((client) => client && !daemon.neighbour(client.mac)).length * 1000 : 0
  if (isAboutAll) return stalled + 2.3 + 18.8 * clients.length
  return stalled + (own(daemon)[command] ?? 20.5) + lookUp(name, clients.length)
}

// To find a client by anything but its token, a shell is started for every client on the list.
function lookUp(name: string, clients: number): number {
  return name.length > 8 ? 1.9 * clients : 0.04 * clients
}

function own({ settings }: Daemon): Record<string, number> {
  return settings.flavour === 'opennds' ? { auth: 71, deauth: 135 } : { auth: 800, deauth: 700 }
}
