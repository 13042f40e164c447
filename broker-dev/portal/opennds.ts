// openNDS's JSON: every value a string, volumes in 1024 bytes, `custom` printed as it was given.

import type { Client } from './client-list.ts'
import type { Daemon } from './daemon-state.ts'
import { linesText, rateText } from './plain-text.ts'

/** `ndsctl json`: every client and the trusted MACs, one client, or `{}` for one it does not know. */
export function openndsJson(daemon: Daemon, asked: Client | 'all' | undefined): string {
  if (!asked) return '{}\n'
  if (asked !== 'all') return linesText(['{', ...rowsOf(daemon, asked, '  '), '}'])
  const clients = daemon.list.all()
  const objects = clients.map((client) => {
    return [`    "${client.mac}":{`, ...rowsOf(daemon, client, '      '), '    }'].join('\n')
  })
  const lines = ['{', `  "client_list_length":"${clients.length}",`, '  "clients":{']
  if (objects.length > 0) lines.push(objects.join(',\n'))
  return linesText([...lines, ...trustedRows(daemon.trusted), '}'])
}

/** openNDS's version as it prints it. */
export function openndsVersion(daemon: Daemon): string {
  return daemon.settings.flavour === 'opennds-10' ? '10.3.1' : '9.10.0'
}

/** openNDS's averages; a session of no time has none. */
export function openndsAverage(daemon: Daemon, client: Client, bytes: number): string {
  return rateText(bytes, client.sessionStart > 0 ? daemon.settings.now() - client.sessionStart : 0)
}

/** The unit of openNDS's volumes. */
export function kibibytes(bytes: number): number {
  return Math.floor(bytes / 1024)
}

function rowsOf(daemon: Daemon, client: Client, indent: string): string[] {
  const rows = Object.entries(fieldsOf(daemon, client))
  return rows.map(([key, value], at) => `${indent}"${key}":"${value}"${at < rows.length - 1 ? ',' : ''}`)
}

function fieldsOf(daemon: Daemon, client: Client) {
  const { terms } = client
  return {
    gatewayname: encodeURIComponent(daemon.settings.gatewayName),
    gatewayaddress: '192.168.66.1:2050',
    gatewayfqdn: 'disable',
    version: openndsVersion(daemon),
    client_type: client.type,
    mac: client.mac,
    ip: client.ip,
    // The interface stands there once for each of the MAC's ARP entries.
    clientif: 'br-lan'.repeat(daemon.neighbour(client.mac)?.arpEntries ?? 0),
    session_start: client.sessionStart,
    session_end: client.sessionEnd || 'null',
    last_active: client.lastActive,
    token: client.token,
    state: client.state,
    custom: terms.custom,
    download_rate_limit_threshold: terms.downloadRate || 'null',
    download_packet_rate: 'null',
    download_bucket_size: 'null',
    upload_rate_limit_threshold: terms.uploadRate || 'null',
    upload_packet_rate: 'null',
    upload_bucket_size: 'null',
    download_quota: terms.downloadQuota || 'null',
    upload_quota: terms.uploadQuota || 'null',
    download_this_session: kibibytes(client.downloaded),
    download_session_avg: openndsAverage(daemon, client, client.downloaded),
    upload_this_session: kibibytes(client.uploaded),
    upload_session_avg: openndsAverage(daemon, client, client.uploaded),
  }
}

function trustedRows(trusted: string[]): string[] {
  if (trusted.length === 0) return ['  }']
  const macs = trusted.map((mac) => `    "${mac}"`).join(',\n')
  return ['  },', `  "trusted_list_length":"${trusted.length}",`, '  "trusted":[', macs, '  ]']
}
