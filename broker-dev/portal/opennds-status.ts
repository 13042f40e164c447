// openNDS's `ndsctl status`, the text for people, of 9.10 and of 10.3.1.

import type { Client } from './client-list.ts'
import type { Daemon } from './daemon-state.ts'
import { kibibytes, openndsAverage, openndsVersion } from './opennds.ts'
import { dateText, durationText, linesText, rateText } from './plain-text.ts'

export function openndsStatus(daemon: Daemon): string {
  const { settings, startedAt, downloaded, uploaded, list } = daemon
  const uptime = settings.now() - startedAt
  return linesText([
    '==================',
    'openNDS Status',
    '====',
    `Version: ${openndsVersion(daemon)}`,
    `Uptime: ${durationText(uptime)}`,
    `Gateway Name: [ ${settings.gatewayName} ]`,
    'Debug Level: [ 1 ]',
    'Gateway FQDN: [ disable ]',
    'Managed interface: br-lan',
    'Upstream gateway(s) [ online:10.99.0.1,wan0  ]',
    'MHD Server [ version 0.9.75 ] listening on: http://192.168.66.1:2050',
    'Maximum Html Page size is [ 10240 ] Bytes',
    `Preemptive Authentication is ${settings.preemptiveAuth ? 'Enabled' : 'Disabled'}`,
    ...(settings.flavour === 'opennds-10' ? scriptsOf10 : scriptsOf9),
    'FAS: Secure Level 1, URL: http://192.168.66.1:2050/opennds_preauth/',
    'Client Check Interval: 15s',
    'Rate Check Window: 2 check intervals (30s)',
    `Preauthenticated Client Idle Timeout: ${settings.preauthIdle / 60}m`,
    `Authenticated Client Idle Timeout: ${settings.authIdle / 60}m`,
    'Download rate limit threshold (default per client): no limit',
    'Upload rate limit threshold (default per client): no limit',
    'Download quota (default per client): no limit',
    'Upload quota (default per client): no limit',
    `Total download: ${kibibytes(downloaded)} kByte; average: ${rateText(downloaded, uptime)} kbit/s`,
    `Total upload: ${kibibytes(uploaded)} kByte; average: ${rateText(uploaded, uptime)} kbit/s`,
    '====',
    `Client authentications since start: ${daemon.authentications}`,
    `Current clients: ${list.all().length}`,
    ...list.all().flatMap((client, index) => ['', `Client ${index}`, ...clientRows(daemon, client)]),
    ...(list.all().length > 0 ? [''] : []),
    '====',
    ...(settings.flavour === 'opennds-10' ? closingOf10(daemon.trusted) : closingOf9(daemon.trusted)),
    '========',
  ])
}

const scriptsOf9 = ['Binauth: Disabled', 'Preauth Script: /usr/lib/opennds/libopennds.sh']

const scriptsOf10 = [
  'Binauth Script: /usr/lib/opennds/binauth_log.sh',
  'ThemeSpec Core Library: /usr/lib/opennds/libopennds.sh',
]

function clientRows(daemon: Daemon, client: Client): string[] {
  const now = daemon.settings.now()
  const { sessionStart: start, sessionEnd: end, terms, downloaded, uploaded } = client
  return [
    `  Client Type: ${client.type}`,
    `  IP: ${client.ip} MAC: ${client.mac}`,
    `  Last Activity: ${dateText(client.lastActive)} (${durationText(now - client.lastActive)} ago)`,
    `  Session Start: ${start > 0 ? `${dateText(start)} (${durationText(now - start)} ago)` : '-'}`,
    `  Session End:   ${end > 0 ? `${dateText(end)} (${durationText(end - now)} left)` : '-'}`,
    `  Token: ${client.token}`,
    `  State: ${client.state}`,
    `  Download Rate Limit Threshold: ${limitText(terms.downloadRate, 'kb/s')}`,
    `  Upload Rate Limit Threshold: ${limitText(terms.uploadRate, 'kb/s')}`,
    `  Download quota: ${limitText(terms.downloadQuota, 'kB')}`,
    `  Upload quota: ${limitText(terms.uploadQuota, 'kB')}`,
    `  Download this session: ${volumeText(daemon, client, downloaded)}`,
    `  Upload this session: ${volumeText(daemon, client, uploaded)}`,
  ]
}

function limitText(limit: number, unit: string): string {
  return limit > 0 ? `${limit} ${unit}` : 'not set'
}

function volumeText(daemon: Daemon, client: Client, bytes: number): string {
  return `${kibibytes(bytes)} kB; Session average: ${openndsAverage(daemon, client, bytes)} kb/s`
}

function closingOf9(trusted: string[]): string[] {
  const macs = trusted.length === 0 ? ' none' : `\n${trusted.map((mac) => `  ${mac}`).join('\n')}`
  return [`Trusted MAC addresses:${macs}`, 'Walled Garden FQDNs: none', 'Walled Garden Ports: none']
}

function closingOf10(trusted: string[]): string[] {
  const garden = ['====', 'Walledgarden FQDNs:', 'none', '', 'Walledgarden Ports:', 'all']
  const blocklist = ['====', 'Blocklist FQDNs:', 'none', '', 'Blocklist Ports:', 'all']
  return ['Trusted MAC addresses:', ...(trusted.length === 0 ? ['none'] : trusted), ...garden, ...blocklist]
}
