// How long the daemons' one thread is at a request, as it was measured on two x86 cores; a router is 10 to 40 times slower.

import { wordsOf } from './daemon.ts'
import type { Daemon } from './daemon-state.ts'
import type { Flavour } from './settings.ts'

/** In milliseconds; 0 unless a fault says otherwise. */
export function serviceMilliseconds(daemon: Daemon, line: string): number {
  const { faults } = daemon.settings
  // An empty line is no command: the daemon hangs up.
  if (line === '') return 0
  const fixed = faults.latencyMilliseconds ?? 0
  return faults.realistic ? fixed + measuredMilliseconds(daemon, line) : fixed
}

/** The cost of one call, in milliseconds. */
interface Cost {
  own: number
  /** For each client on the list. */
  listed?: number
  /** For each client that is asked about and is no longer on the LAN: it is looked for again, with the list locked. */
  departed?: number
}

type Call = 'json' | 'json all' | 'status' | 'auth' | 'auth refused' | 'deauth' | 'other'

// Medians at the daemon's socket, without the start of an `ndsctl`; the counts are clients on the list.
const costs: Record<Flavour, Record<Call, Cost>> = {
  nodogsplash: {
    // 4.4, 5.3 and 6.6 ms with 1, 20 and 120; one `json` reads the counters of all, whoever is asked for.
    'json all': { own: 4.4, listed: 0.018 },
    json: { own: 4.4, listed: 0.018 },
    // Taken from `json`, since it reads the same counters; it was not measured.
    status: { own: 4.4, listed: 0.018 },
    // 12 and 50 ms with any number.
    auth: { own: 12 },
    'auth refused': { own: 12 },
    deauth: { own: 50 },
    other: { own: 4.4, listed: 0.018 },
  },
  opennds: {
    // 21, 344 and 2256 ms with 1, 20 and 120; 4.3 s with 4 of 6 gone, 6.8 to 7.1 s with 6 of 8 gone.
    'json all': { own: 2.3, listed: 18.8, departed: 1000 },
    // 20.5, 22 and 25 ms by token with 1, 20 and 120; 1.2 s for one that is gone.
    json: { own: 20.5, departed: 1000 },
    // 139 to 210 ms with 6 of 8 gone; what of that is for each client is a guess.
    status: { own: 140, listed: 2 },
    // 73 and 318 ms with 1 and 120; 137 and 400 ms.
    auth: { own: 71 },
    'auth refused': { own: 71 },
    deauth: { own: 135 },
    other: { own: 20.5 },
  },
  'opennds-10': {
    'json all': { own: 2.3, listed: 18.8, departed: 1000 },
    json: { own: 20.5, departed: 1000 },
    status: { own: 140, listed: 2 },
    // 400 to 1200 ms, and 60 ms for a device that it does not find on the LAN; 700 ms.
    auth: { own: 800 },
    'auth refused': { own: 60 },
    deauth: { own: 700 },
    other: { own: 20.5 },
  },
}

// openNDS finds a client by its token in its memory: 25 ms instead of 20.5 with 120 on the list. For an IP or a MAC it
// starts a shell for every client on the list: 61 and 252 ms with 20 and 120.
const searchByToken = 0.04
const searchByShell = 1.9

/** The milliseconds that the real daemon took for that request. */
export function measuredMilliseconds(daemon: Daemon, line: string): number {
  const [command, argument = ''] = wordsOf(line)
  const [name = ''] = argument.split(',')
  const { flavour } = daemon.settings
  const clients = daemon.list.all()
  const call = callOf(daemon, command, name)
  const { own, listed = 0, departed = 0 } = costs[flavour][call]
  const asked = call === 'json all' ? clients : [daemon.list.find(name)]
  const gone = departed === 0 ? 0 : asked.filter((client) => client && !daemon.neighbour(client.mac)).length
  const isSearched = flavour !== 'nodogsplash' && call !== 'json all' && call !== 'status'
  const search = isSearched ? clients.length * (name.length > 8 ? searchByShell : searchByToken) : 0
  return own + listed * clients.length + departed * gone + search
}

function callOf(daemon: Daemon, command: string, name: string): Call {
  const { flavour, preemptiveAuth } = daemon.settings
  if (command === 'json') return flavour !== 'nodogsplash' && name.length <= 6 ? 'json all' : 'json'
  if (command === 'auth') {
    const isFound = daemon.list.find(name) !== undefined || daemon.neighbour(name) !== undefined
    return preemptiveAuth && !isFound ? 'auth refused' : 'auth'
  }
  return command === 'status' || command === 'deauth' ? command : 'other'
}
