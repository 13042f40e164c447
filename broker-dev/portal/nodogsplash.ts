// nodogsplash 5.0.2's way of printing: bare numbers, volumes in 1000 bytes, broken JSON in one case.

import type { Client } from './client-list.ts'
import type { Daemon } from './daemon-state.ts'
import { dateText, durationText, linesText, rateText } from './plain-text.ts'

/** `ndsctl json`: every client, one client, or `{}` for one it does not know. */
export function nodogsplashJson(daemon: Daemon, asked: Client | 'all' | undefined): string {
  if (!asked) return '{}\n'
  if (asked !== 'all') return `${jsonObject(daemon, asked)}\n`
  const clients = daemon.list.all()
  const objects = clients.map((client) => `"${client.mac}":${jsonObject(daemon, client)}`).join(',\n')
  return linesText(['{', `"client_length": ${clients.length},`, '"clients":{', ...(objects ? [objects] : []), '}', '}'])
}

/** `ndsctl clients`: blocks of key=value. */
export function nodogsplashClients(daemon: Daemon): string {
  const clients = daemon.list.all()
  const blocks = clients.map((client, index) => {
    const { id: _, ...fields } = fieldsOf(daemon, client)
    const rows = Object.entries({ client_id: index, ...fields }).map(([key, value]) => `${key}=${value}`)
    return linesText([...rows, ''])
  })
  if (clients.length === 0) return '0\n'
  return `${clients.length}\n\n${blocks.join('')}`
}

export function nodogsplashStatus(daemon: Daemon): string {
  const { settings, startedAt, downloaded, uploaded, list } = daemon
  const uptime = settings.now() - startedAt
  return linesText([
    '==================',
    'NoDogSplash Status',
    '====',
    'Version: 5.0.2',
    `Uptime: ${durationText(uptime)}`,
    `Gateway Name: ${settings.gatewayName}`,
    'Managed interface: br-lan',
    'Managed IP range: 0.0.0.0/0',
    'Server listening: http://192.168.66.1:2050',
    'Binauth: Disabled',
    'Preauth: Disabled',
    'Client Check Interval: 30s',
    `Preauth Idle Timeout: ${durationText(settings.preauthIdle)}m`,
    `Auth Idle Timeout: ${durationText(settings.authIdle)}`,
    'Session Timeout: 0s',
    'Block after Session timed out: no',
    'Traffic control: no',
    `Total download: ${kilobytes(downloaded)} kByte; avg: ${rateText(downloaded, uptime)} kbit/s`,
    `Total upload: ${kilobytes(uploaded)} kByte; avg: ${rateText(uploaded, uptime)} kbit/s`,
    '====',
    `Client authentications since start: ${daemon.authentications}`,
    `Current clients: ${list.all().length}`,
    ...list.all().flatMap((client, index) => ['', `Client ${index}`, ...statusRows(daemon, client)]),
    ...(list.all().length > 0 ? [''] : []),
    '====',
    `Blocked MAC addresses:${macRows(daemon.blocked)}`,
    'Allowed MAC addresses: N/A',
    `Trusted MAC addresses:${macRows(daemon.trusted)}`,
    '========',
  ])
}

function jsonObject(daemon: Daemon, client: Client): string {
  const quoted = new Set(['ip', 'mac', 'token', 'state'])
  const rows = Object.entries(fieldsOf(daemon, client)).map(
    ([key, value]) => `"${key}":${quoted.has(key) ? `"${value}"` : value}`,
  )
  return `{\n${rows.join(',\n')}\n}`
}

function fieldsOf(daemon: Daemon, client: Client) {
  return {
    id: client.id,
    ip: client.ip,
    mac: client.mac,
    added: client.sessionStart,
    active: client.lastActive,
    duration: durationOf(daemon, client),
    token: client.token,
    state: client.state,
    downloaded: kilobytes(client.downloaded),
    avg_down_speed: averageOf(daemon, client, client.downloaded),
    uploaded: kilobytes(client.uploaded),
    avg_up_speed: averageOf(daemon, client, client.uploaded),
  }
}

function statusRows(daemon: Daemon, client: Client): string[] {
  const now = daemon.settings.now()
  const start = client.sessionStart
  return [
    `  IP: ${client.ip} MAC: ${client.mac}`,
    `  Last Activity: ${dateText(client.lastActive)} (${durationText(now - client.lastActive)} ago)`,
    `  Session Start: ${start > 0 ? `${dateText(start)} (${durationText(now - start)} ago)` : '-'}`,
    '  Session End:   -',
    `  Token: ${client.token}`,
    `  State: ${client.state}`,
    `  Download: ${kilobytes(client.downloaded)} kByte; avg: ${averageOf(daemon, client, client.downloaded)} kbit/s`,
    `  Upload:   ${kilobytes(client.uploaded)} kByte; avg: ${averageOf(daemon, client, client.uploaded)} kbit/s`,
  ]
}

function durationOf(daemon: Daemon, client: Client): number {
  return client.sessionStart > 0 ? daemon.settings.now() - client.sessionStart : 0
}

function averageOf(daemon: Daemon, client: Client, bytes: number): string {
  // A client of the splash page has a start, and in its first second the daemon divides by a duration of 0.
  if (client.sessionStart > 0 && durationOf(daemon, client) === 0) return bytes > 0 ? 'inf' : '-nan'
  return rateText(bytes, durationOf(daemon, client))
}

function macRows(macs: string[]): string {
  return macs.length === 0 ? ' none' : `\n${macs.map((mac) => `  ${mac}`).join('\n')}`
}

function kilobytes(bytes: number): number {
  return Math.floor(bytes / 1000)
}
