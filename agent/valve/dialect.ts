// The portals' dialects: nodogsplash (numbers of 1000 bytes) and openNDS (strings of KiB), read into one model.
// A list is read row by row, and a row that cannot be read costs that row: the answer then tells of the others only. Nothing
// is ever read as 0 that could not be read, and nothing is believed that a customer can write (openNDS's `custom`).
import * as z from 'zod'
import { AnyMac, type Mac, type PortalKind } from '../../protocol/index.ts'
import type { PortalClient, PortalList } from '../portal/portal-client.ts'
import { PortalFault } from './portal-fault.ts'

type Kind = Exclude<PortalKind, 'unknown'>

/** Reads the answer to `ndsctl json`; which portal it is shows in the answer. */
export function parseList(stdout: string): PortalList {
  const kind = kindOf(stdout)
  const listed = Number(/"client(?:_list)?_length"\s*:\s*"?(\d+)/.exec(stdout)?.[1] ?? Number.NaN)
  const rows = kind === 'opennds' ? openndsRows(stdout, listed) : nodogsplashRows(stdout)
  const parse = kind === 'opennds' ? openndsClient : nodogsplashClient
  const version = kind === 'opennds' ? /"version"\s*:\s*"([^"]*)"/.exec(rows[0] ?? '')?.[1] : undefined
  const isToTheEnd = endsSoundly(stdout, listed)
  const trusted = kind === 'opennds' && isToTheEnd ? trustedIn(stdout) : undefined
  const list = { kind, ...(version !== undefined && { version }), ...(trusted && { trusted }) }
  return withRows(list, rows.map(readable(parse)), listed, isToTheEnd, stdout)
}

// A whole answer closes its last row, the list and itself; openNDS's trusted devices, where there are any, stand in between.
// Read as a whole, one that was cut there would say that nobody is trusted.
function endsSoundly(stdout: string, listed: number): boolean {
  return /\]\s*\}\s*$/.test(stdout) || (listed > 0 ? /\}\s*\}\s*\}\s*$/ : /\}\s*\}\s*$/).test(stdout)
}

/** Reads the answer to `ndsctl json <token>`: one client, or none when the portal does not know it. */
export function parseClient(stdout: string): PortalClient | undefined {
  if (/^\s*\{\s*\}\s*$/.test(stdout)) return undefined
  const parse = stdout.includes('"gatewayname"') ? openndsClient : nodogsplashClient
  const client = readable(parse)(stdout)
  if (!client) throw garbled(stdout)
  return client
}

/** The answer to `ndsctl status`. `list`: the portal's whole list, which it tells of all its clients. */
export interface PortalStatus {
  kind: Kind
  version?: string
  /** Devices that the owner lets through for nothing; absent where the answer does not say it. */
  trusted?: Mac[]
  list: PortalList
}

/** Reads the answer to `ndsctl status`, text for people in which no customer writes. */
export function parseStatus(stdout: string): PortalStatus {
  const kind = /^NoDogSplash Status/m.test(stdout) ? 'nodogsplash' : /^openNDS Status/m.test(stdout) ? 'opennds' : null
  if (!kind) throw garbled(stdout)
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
  const listed = Number(/^Current clients: (\d+)$/m.exec(stdout)?.[1] ?? Number.NaN)
  const trusted = trustedRows(stdout)
  const told = { kind, ...(version !== undefined && { version }), ...(trusted && { trusted }) } as const
  const [, ...rows] = stdout.split(/^Client \d+$/m)
  const unit = kind === 'opennds' ? 1024 : 1000
  const clients = rows.map(readable((row) => statusClient(row, unit)))
  return { ...told, list: withRows(told, clients, listed, /^=+\s*$/m.test(stdout.slice(-10)), stdout) }
}

// Rows that could not be read, or are missing, are named in no answer: nothing is known of who is not in `only`.
function withRows(
  list: Omit<PortalList, 'clients'>,
  rows: readonly (PortalClient | undefined)[],
  listed: number,
  isToTheEnd: boolean,
  stdout: string,
): PortalList {
  const clients = rows.filter((row) => row !== undefined)
  const isWhole = clients.length === listed && isToTheEnd
  if (Number.isNaN(listed) || clients.length > listed || (clients.length === 0 && !isWhole)) throw garbled(stdout)
  return isWhole ? { ...list, clients } : { ...list, clients, only: new Set(clients.map(macOf)) }
}

const macOf = ({ mac }: PortalClient) => mac

function readable(parse: (row: string) => PortalClient) {
  return (row: string): PortalClient | undefined => {
    try {
      return parse(row)
    } catch {
      return undefined
    }
  }
}

const named = { mac: AnyMac, ip: z.ipv4(), token: z.string().regex(/^[\w-]*$/), state: z.string().min(1) }
const Named = z.object(named)

const counter = (unit: number) =>
  z
    .int()
    .min(0)
    .max(Math.floor(Number.MAX_SAFE_INTEGER / unit))
    .transform((units) => units * unit)

// nodogsplash prints bytes / 1000, rounded down.
const NodogsplashClient = z.object({ ...named, downloaded: counter(1000), uploaded: counter(1000) })
const KiloBytes = z.object({ downloaded: counter(1000), uploaded: counter(1000) })
// openNDS prints bytes / 1024, rounded down.
const KibiBytes = z.object({ downloaded: counter(1024), uploaded: counter(1024) })

type Volume = z.output<typeof KibiBytes>

function clientFrom({ mac, ip, token, state }: z.output<typeof Named>, volume: Volume): PortalClient {
  const { downloaded, uploaded } = volume
  return { mac, ip, token, open: state === 'Authenticated', downloaded, uploaded }
}

// A device with two IPs stands there twice under one key, and both count.
function nodogsplashRows(stdout: string): string[] {
  return [...stdout.matchAll(/"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"\s*:\s*(\{[^{}]*\})/gi)].map(([, row = '']) => row)
}

function nodogsplashClient(row: string): PortalClient {
  // nodogsplash divides by a duration of zero: "avg_down_speed":inf
  const json = row.replaceAll(/":\s*-?(?:inf|nan)(?=\s*[,}\r\n])/gi, '":null')
  const client = NodogsplashClient.parse(JSON.parse(json))
  return clientFrom(client, client)
}

// A row begins with what the daemon prints before `custom`. A customer who writes such a beginning into `custom` makes more
// rows than the daemon has counted: then none is believed, and the devices that matter are asked for one by one.
function openndsRows(stdout: string, listed: number): string[] {
  const [, ...rows] = stdout.split(/^\s*"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}"\s*:\s*\{\s*(?="gatewayname")/im)
  return rows.length > listed ? [] : rows
}

function openndsClient(row: string): PortalClient {
  const head = row.slice(0, row.indexOf('"custom":'))
  const [, downloaded, uploaded] = counters.exec(row) ?? []
  const client = Named.parse({
    mac: fieldOf(head, 'mac'),
    ip: fieldOf(head, 'ip'),
    token: fieldOf(head, 'token'),
    state: fieldOf(head, 'state'),
  })
  const volume = KibiBytes.parse({ downloaded: numberOf(downloaded), uploaded: numberOf(uploaded) })
  const clientif = fieldOf(head, 'clientif')
  return {
    ...clientFrom(client, volume),
    ...(clientif !== undefined && { addresses: addressesIn(clientif) }),
  }
}

// The daemon prints its counters last, so a customer's text stands before them.
const counters =
  /"download_this_session"\s*:\s*"(\d+)",\s*"download_session_avg"\s*:\s*"[^"]*",\s*"upload_this_session"\s*:\s*"(\d+)",\s*"upload_session_avg"\s*:\s*"[^"]*"\s*\}(?![\s\S]*"download_this_session")/

function fieldOf(head: string, key: string): string | undefined {
  return new RegExp(`"${key}"\\s*:\\s*"([^"]*)"`).exec(head)?.[1]
}

// Missing is not 0.
function numberOf(digits: string | undefined): number {
  return digits === undefined ? Number.NaN : Number(digits)
}

// openNDS prints the interface once for each address that the LAN knows of the device: "", "br-lan", "br-lanbr-lan".
function addressesIn(clientif: string): number {
  if (clientif === '') return 0
  const [, name] = /^(.+?)\1+$/.exec(clientif) ?? []
  return name === undefined ? 1 : clientif.length / name.length
}

// The list of trusted devices is the last thing in the answer, behind all that a customer can write.
function trustedIn(stdout: string): Mac[] {
  const [, rows = ''] = /"trusted"\s*:\s*\[([^\]]*)\]\s*\}\s*$/.exec(stdout) ?? []
  return macsIn(rows)
}

function trustedRows(stdout: string): Mac[] | undefined {
  const [, rest] = /^Trusted MAC addresses:([\s\S]*)/m.exec(stdout) ?? []
  if (rest === undefined) return undefined
  // The rows end with the next heading. Without one more may have followed, and who is cut off here would be shut as unpaid.
  const [rows = '', next] = rest.split(/^(?:=|W|B)/m)
  return next === undefined ? undefined : macsIn(rows)
}

function macsIn(text: string): Mac[] {
  return [...text.matchAll(/(?:[0-9a-f]{2}:){5}[0-9a-f]{2}/gi)].flatMap(([mac]) => AnyMac.safeParse(mac).data ?? [])
}

function statusClient(row: string, unit: 1000 | 1024): PortalClient {
  const [, ip, mac] = /^\s*IP: (\S+) MAC: (\S+)$/m.exec(row) ?? []
  const [, token] = /^\s*Token: (\S*)$/m.exec(row) ?? []
  const [, state] = /^\s*State: (\S+)$/m.exec(row) ?? []
  const [, downloaded] = /^\s*Download(?: this session)?: +(\d+) k/m.exec(row) ?? []
  const [, uploaded] = /^\s*Upload(?: this session)?: +(\d+) k/m.exec(row) ?? []
  const volume = { downloaded: numberOf(downloaded), uploaded: numberOf(uploaded) }
  return clientFrom(
    Named.parse({ mac, ip, token, state }),
    unit === 1024 ? KibiBytes.parse(volume) : KiloBytes.parse(volume),
  )
}

function kindOf(stdout: string): Kind {
  // Only the daemon's own first line tells: everything further down may be a customer's.
  const head = stdout.slice(0, 200)
  if (head.includes('"client_list_length"')) return 'opennds'
  if (head.includes('"client_length"')) return 'nodogsplash'
  throw garbled(stdout)
}

function garbled(stdout: string): PortalFault {
  return new PortalFault('portal-garbled', `the portal's answer cannot be read: ${excerpt(stdout)}`)
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line === '' ? '(nothing)' : line.length > 120 ? `${line.slice(0, 120)}...` : line
}
