// The settings of a mock portal, with each daemon's own defaults filled in.

export type Flavour = 'nodogsplash' | 'opennds' | 'opennds-10'

/** The options of one mock portal; `now` is in milliseconds of the epoch, `random` is in [0, 1) and makes the tokens. */
export interface PortalOptions {
  flavour: Flavour
  now: () => number
  random: () => number
  maxClients?: number
  authIdleMinutes?: number
  preauthIdleMinutes?: number
  gatewayName?: string
  /** Whether `auth` of a device that met no portal page works, when the device is on the LAN. */
  preemptiveAuth?: boolean
  /** openNDS 10: the owner's `preemptivemac` list, devices whose gates the daemon itself opens. */
  preemptiveMacs?: readonly string[]
  /** How the daemon spends its time at a request, where a fault makes it take any; real time unless given. */
  sleep?: (milliseconds: number) => Promise<void>
}

/** The mock's faults, set by a test or an operator at any time. */
export interface Faults {
  /** Every request takes so long; one at a time, since the daemon has one thread. */
  latencyMilliseconds?: number
  /** Requests take as long as they took the real daemons, with a second for each client of openNDS that has left. */
  realistic?: boolean
  /** At its socket, connections that come together are one wake-up, and one of them is served (nodogsplash #387). */
  wedges?: boolean
  /** No request is ever answered. */
  hang?: boolean
  /** openNDS: another `ndsctl` holds the lock. nodogsplash has no lock, there it hangs. */
  busy?: boolean
  /** The answer to every `json`. */
  garbage?: string | undefined
  /** These commands are answered `No`. */
  refuse?: Set<'auth' | 'deauth'> | undefined
  /** `ndsctl status`, and nothing else, ends with another code than 0 and prints nothing. */
  statusFails?: boolean
  /** The daemon ends by itself when it is asked for its `status`, as openNDS 9.10 does that finds no route upstream. */
  endsOnStatus?: boolean
  /** `auth` is answered `Yes` and shown, yet the firewall stays shut. */
  lieOnAuth?: boolean
}

/** The options with nothing left open; times are in seconds, as the daemons count. */
export interface Settings {
  flavour: Flavour
  now: () => number
  random: () => number
  maxClients: number
  authIdle: number
  preauthIdle: number
  gatewayName: string
  preemptiveAuth: boolean
  preemptiveMacs: readonly string[]
  sleep: (milliseconds: number) => Promise<void>
  faults: Faults
}

export function settingsOf(options: PortalOptions, faults: Faults): Settings {
  const usual = options.flavour === 'nodogsplash' ? nodogsplashDefaults : openndsDefaults
  return {
    flavour: options.flavour,
    now: () => Math.floor(options.now() / 1000),
    random: options.random,
    maxClients: options.maxClients ?? usual.maxClients,
    authIdle: (options.authIdleMinutes ?? 120) * 60,
    preauthIdle: (options.preauthIdleMinutes ?? usual.preauthIdleMinutes) * 60,
    gatewayName: options.gatewayName ?? usual.gatewayName,
    preemptiveAuth: options.preemptiveAuth ?? options.flavour === 'opennds-10',
    preemptiveMacs: options.flavour === 'opennds-10' ? (options.preemptiveMacs ?? []) : [],
    sleep: options.sleep ?? ((milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))),
    faults,
  }
}

const nodogsplashDefaults = { maxClients: 20, preauthIdleMinutes: 10, gatewayName: 'NoDogSplash' }
const openndsDefaults = { maxClients: 250, preauthIdleMinutes: 30, gatewayName: 'openNDS' }
