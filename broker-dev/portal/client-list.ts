// The daemon's list of clients: who is on it, in which state, and when an entry ends by itself.

import type { Flavour, Settings } from './settings.ts'

/** One client as the daemon knows it: a MAC at an IP. Times are seconds of the epoch, 0 = never; volumes are bytes. */
export interface Client {
  id: number
  mac: string
  ip: string
  token: string
  type: 'cpd_can' | 'preemptive'
  state: 'Preauthenticated' | 'Authenticated'
  /** Its rules in the firewall, which can differ from what is shown; nothing while it is shut out. */
  gate: Gate | undefined
  /** As shown: the most that the firewall's counters ever said. */
  downloaded: number
  uploaded: number
  sessionStart: number
  sessionEnd: number
  lastActive: number
  terms: Terms
}

/** The firewall's rules for one client. They count from 0, whatever the daemon remembers of it. */
export interface Gate extends Volume {
  passes: boolean
  /** Rules stand in the order in which they were made. */
  number: number
}

/** Bytes that passed or should pass. */
export interface Volume {
  downloaded: number
  uploaded: number
}

/** The arguments of `auth` beside the client; 0 or empty = the daemon's own setting. Rates in kbit/s, quotas in KiB. */
export interface Terms {
  minutes: number
  uploadRate: number
  downloadRate: number
  uploadQuota: number
  downloadQuota: number
  custom: string
}

export type ClientList = ReturnType<typeof createClientList>

/** `restored`: the clients of a daemon that has written them down, which get rules of their own again. */
export function createClientList(settings: Settings, restored: readonly Client[] = []) {
  const { flavour, now, random } = settings
  let gates = 0
  let clients = restored.map((client) => ({ ...client, gate: client.gate && newGate() }))
  let lastId = Math.max(0, ...restored.map((client) => client.id))

  function find(name: string): Client | undefined {
    return (
      clients.find((client) => client.token === name) ??
      clients.find((client) => client.ip === name) ??
      clients.find((client) => client.mac === name)
    )
  }

  function admit(mac: string, ip: string, type: Client['type']): Client | undefined {
    if (clients.length >= settings.maxClients) return undefined
    const client: Client = { id: ++lastId, mac, ip, type, sessionEnd: 0, ...preauthenticated() }
    clients.push(client)
    return client
  }

  /** `sessionStart` stays 0 where the daemon does not note it: nodogsplash, when `ndsctl` opened the gate. */
  function open(client: Client, terms: Terms, sessionStart: number): void {
    client.state = 'Authenticated'
    client.gate = newGate()
    client.sessionStart = sessionStart
    client.sessionEnd = flavour === 'nodogsplash' ? 0 : sessionStart + (terms.minutes || 1440) * 60
    client.terms = terms
  }

  function shut(client: Client, at = now()): void {
    const hadRules = client.state === 'Authenticated'
    if (flavour === 'nodogsplash') Object.assign(client, preauthenticated(at))
    else clients = clients.filter((other) => other !== client)
    if (!hadRules) return
    for (const other of clients) if (losesRules(flavour, client, other)) other.gate = undefined
  }

  /**
   * The client's rules let that pass. Of what comes down the firewall knows the IP alone: the oldest rule for it counts.
   * The daemon shows what an IP's rules say at the oldest entry with that IP, in whatever state and of whatever MAC that
   * is; counters that began anew show nothing until they have passed what was shown before.
   */
  function count(client: Client, { downloaded, uploaded }: Volume): void {
    if (!client.gate) return
    const sharing = clients.filter((other) => other.ip === client.ip)
    const rules = sharing.flatMap((other) => other.gate ?? []).sort((a, b) => a.number - b.number)
    const [oldestRule = client.gate] = rules
    const [shown = client] = sharing
    oldestRule.downloaded += downloaded
    client.gate.uploaded += uploaded
    shown.downloaded = Math.max(shown.downloaded, ...rules.map((rule) => rule.downloaded))
    const sent = Math.max(...rules.map((rule) => rule.uploaded))
    if (sent <= shown.uploaded) return
    shown.uploaded = sent
    // Only what the device sends counts as a sign of life.
    shown.lastActive = now()
  }

  function endWhatIsOver(): void {
    for (const client of clients) {
      const idleSince = client.lastActive
      if (client.state === 'Authenticated' && isOver(client, settings)) shut(client, idleSince + settings.authIdle)
    }
    clients = clients.filter(
      (client) => client.state === 'Authenticated' || !isIdle(client, settings.preauthIdle, now()),
    )
  }

  function newGate(): Gate {
    return { passes: !settings.faults.lieOnAuth, number: ++gates, downloaded: 0, uploaded: 0 }
  }

  function preauthenticated(at = now()) {
    const fresh = { state: 'Preauthenticated' as const, gate: undefined, sessionStart: 0 }
    const volume = { downloaded: 0, uploaded: 0 }
    return { ...fresh, ...volume, token: tokenBy(random()), lastActive: at, terms: { ...noTerms, custom: 'none' } }
  }

  return { all: (): readonly Client[] => clients, find, admit, open, shut, count, endWhatIsOver }
}

const noTerms: Terms = { minutes: 0, uploadRate: 0, downloadRate: 0, uploadQuota: 0, downloadQuota: 0, custom: '' }

function tokenBy(chance: number): string {
  return Math.floor(chance * 2 ** 32)
    .toString(16)
    .padStart(8, '0')
}

/** Rules are removed by IP; openNDS 9.10 looks for it anywhere in a rule: .10 also takes away those of .100 to .109. */
function losesRules(flavour: Flavour, shut: Client, other: Client): boolean {
  if (other === shut) return false
  return flavour === 'opennds' ? other.ip.includes(shut.ip) : other.ip === shut.ip
}

function isOver(client: Client, { authIdle, now }: Settings): boolean {
  const { downloadQuota, uploadQuota } = client.terms
  return (
    isIdle(client, authIdle, now()) ||
    (client.sessionEnd > 0 && now() >= client.sessionEnd) ||
    (downloadQuota > 0 && client.downloaded > downloadQuota * 1024) ||
    (uploadQuota > 0 && client.uploaded > uploadQuota * 1024)
  )
}

function isIdle({ lastActive }: Client, limit: number, now: number): boolean {
  return limit > 0 && now - lastActive >= limit
}
