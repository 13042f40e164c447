// The daemon's list of clients: who is on it, in which state, and when an entry ends by itself.

import type { Settings } from './settings.ts'

/** One client as the daemon knows it: a MAC at an IP. Times are seconds of the epoch, 0 = never; volumes are bytes. */
export interface Client {
  id: number
  mac: string
  ip: string
  token: string
  type: 'cpd_can' | 'preemptive'
  state: 'Preauthenticated' | 'Authenticated'
  /** Whether the firewall lets it through, which can differ from the state shown. */
  passes: boolean
  downloaded: number
  uploaded: number
  sessionStart: number
  sessionEnd: number
  lastActive: number
  terms: Terms
}

/** What `auth` said beside the client; 0 or empty = the daemon's own setting. Rates in kbit/s, quotas in KiB. */
export interface Terms {
  minutes: number
  uploadRate: number
  downloadRate: number
  uploadQuota: number
  downloadQuota: number
  custom: string
}

export type ClientList = ReturnType<typeof createClientList>

export function createClientList(settings: Settings) {
  const { flavour, now, random } = settings
  let clients: Client[] = []
  let lastId = 0

  function find(name: string): Client | undefined {
    return (
      clients.find((client) => client.token === name) ??
      clients.find((client) => client.ip === name) ??
      clients.find((client) => client.mac === name)
    )
  }

  function admit(mac: string, ip: string, type: Client['type']): Client | undefined {
    if (clients.length >= settings.maxClients) return undefined
    const client = { id: ++lastId, mac, ip, type, sessionEnd: 0, ...preauthenticated() }
    clients.push(client)
    return client
  }

  /** `sessionStart` stays 0 where the daemon does not note it: nodogsplash, when `ndsctl` opened the gate. */
  function open(client: Client, terms: Terms, sessionStart: number): void {
    client.state = 'Authenticated'
    client.passes = !settings.faults.lieOnAuth
    client.sessionStart = sessionStart
    client.sessionEnd = flavour === 'nodogsplash' ? 0 : sessionStart + (terms.minutes || 1440) * 60
    client.terms = terms
  }

  function shut(client: Client, at = now()): void {
    if (flavour === 'nodogsplash') Object.assign(client, preauthenticated(at))
    else clients = clients.filter((other) => other !== client)
    // openNDS 9.10 looks for the IP anywhere in a rule: shutting .10 also takes the rules of .100 to .109 away.
    if (flavour !== 'opennds') return
    for (const other of clients) if (other.ip.includes(client.ip)) other.passes = false
  }

  function endWhatIsOver(): void {
    for (const client of clients) {
      const idleSince = client.lastActive
      if (client.state === 'Authenticated' && isOver(client)) shut(client, idleSince + settings.authIdle)
    }
    clients = clients.filter((client) => client.state === 'Authenticated' || !isIdle(client, settings.preauthIdle))
  }

  function isOver(client: Client): boolean {
    const { downloadQuota, uploadQuota } = client.terms
    return (
      isIdle(client, settings.authIdle) ||
      (client.sessionEnd > 0 && now() >= client.sessionEnd) ||
      (downloadQuota > 0 && client.downloaded > downloadQuota * 1024) ||
      (uploadQuota > 0 && client.uploaded > uploadQuota * 1024)
    )
  }

  function isIdle(client: Client, limit: number): boolean {
    return limit > 0 && now() - client.lastActive >= limit
  }

  function preauthenticated(at = now()) {
    const fresh = { state: 'Preauthenticated' as const, passes: false, downloaded: 0, uploaded: 0, sessionStart: 0 }
    return { ...fresh, token: newToken(), lastActive: at, terms: { ...noTerms, custom: 'none' } }
  }

  function newToken(): string {
    return Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  }

  return { all: (): readonly Client[] => clients, find, admit, open, shut, endWhatIsOver }
}

const noTerms: Terms = { minutes: 0, uploadRate: 0, downloadRate: 0, uploadQuota: 0, downloadQuota: 0, custom: '' }
