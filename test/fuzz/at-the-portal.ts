// Input of a router from its own machine: the answers of ndsctl in both dialects, the kernel's listings, its neighbours.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { PortalClient, PortalList } from '../../agent/portal/portal-client.ts'
import { parseClient, parseList, parseStatus } from '../../agent/valve/dialect.ts'
import { GuardFault } from '../../agent/valve/guard/guard.ts'
import { endsIn, ownerIn, tableOf, toldBy } from '../../agent/valve/guard/listing.ts'
import { parseNeighbours } from '../../agent/valve/neighbours.ts'
import { PortalFault } from '../../agent/valve/portal-fault.ts'
import { Mac } from '../../protocol/index.ts'
import { promise, type Target, textsOf, throwsOnly } from './target.ts'

const folder = 'test/fixtures/captures'
const captured = (...names: string[]) => names.map((name) => readFileSync(join(folder, `${name}.stdout`)))
const isCount = (count: number) => Number.isSafeInteger(count) && count >= 0

function areSound(clients: readonly PortalClient[]): void {
  for (const { mac, open, downloaded, uploaded } of clients) {
    promise([downloaded, uploaded].every(isCount), 'a counter is a whole number that somebody has printed')
    promise(Mac.safeParse(mac).success && typeof open === 'boolean', 'a client is a device with a gate')
  }
}

function isSound({ clients, only, trusted = [] }: PortalList): void {
  areSound(clients)
  promise(only === undefined || clients.every(({ mac }) => only.has(mac)), 'a part of a list names whom it tells of')
  promise(
    trusted.every((mac) => Mac.safeParse(mac).success),
    'trusted is a device',
  )
}

const list: Target = {
  name: 'ndsctl-json',
  samples: captured(
    ...['nodogsplash/02-empty-json', 'nodogsplash/04-json-all', 'nodogsplash/06-json-portal-auth-same-second'],
    ...[
      'opennds/02-empty-json',
      'opennds/04-json-all',
      'opennds/06-json-all-custom-quote',
      'opennds/07-json-all-trusted',
    ],
  ),
  check(input) {
    const read = throwsOnly(() => parseList(Buffer.from(input).toString()), PortalFault)
    if (read) isSound(read)
  },
}

const client: Target = {
  name: 'ndsctl-json-client',
  samples: captured('nodogsplash/03-pre-json-mac', 'opennds/03-pre-json-mac', 'opennds/06-json-custom-quote'),
  check(input) {
    const read = throwsOnly(() => parseClient(Buffer.from(input).toString()), PortalFault)
    if (read) areSound([read])
  },
}

const status: Target = {
  name: 'ndsctl-status',
  samples: captured(
    ...['nodogsplash/02-empty-status', 'nodogsplash/03-pre-status', 'nodogsplash/04-status'],
    ...['opennds/02-empty-status', 'opennds/03-pre-status', 'opennds/04-status'],
  ),
  check(input) {
    const read = throwsOnly(() => parseStatus(Buffer.from(input).toString()), PortalFault)
    if (!read) return
    isSound(read.list)
    promise(
      (read.trusted ?? []).every((mac) => Mac.safeParse(mac).success),
      'trusted is a device',
    )
  },
}

const hex = '019ad1f000007000800000000000000a'
const inTable = (kind: string, name: string, fields: object) => ({
  [kind]: { family: 'inet', name, table: 'tollgate', handle: 2, ...fields },
})
const listing = {
  nftables: [
    { metainfo: { version: '1.0.6', release_name: 'Lester Gooch #5', json_schema_version: 1 } },
    { table: { family: 'inet', name: 'tollgate', handle: 1 } },
    inTable('quota', `s${hex}`, { bytes: 5000, used: 500, inv: true }),
    inTable('counter', `u${hex}`, { packets: 3, bytes: 200 }),
    inTable('counter', `d${hex}`, { packets: 4, bytes: 300 }),
    inTable('map', 'by_ip', { type: 'ipv4_addr', map: 'quota', elem: [['10.9.0.1', `s${hex}`]] }),
    inTable('set', 'cut', { type: 'ipv4_addr', elem: [{ elem: { val: '10.9.0.2', counter: null } }, '10.9.0.3'] }),
    inTable('set', 'timed', { type: 'ipv4_addr', elem: ['10.9.0.4'] }),
    inTable('set', 'until', { flags: ['timeout'], elem: [{ elem: { val: '10.9.0.4', timeout: 60, expires: 59 } }] }),
    inTable('chain', 'guard', { type: 'filter', hook: 'forward', prio: 300, policy: 'accept' }),
    ...Array.from({ length: 8 }, (_, handle) => ({
      rule: { family: 'inet', table: 'tollgate', chain: 'guard', handle },
    })),
  ],
}

const table: Target = {
  name: 'nft-table',
  samples: textsOf(JSON.stringify(listing)),
  check(input) {
    const read = throwsOnly(() => tableOf(Buffer.from(input).toString(), 1000), GuardFault)
    for (const { limit, downloaded, uploaded } of read?.quotas.values() ?? []) {
      promise([limit, downloaded, uploaded].every(isCount), 'a quota has whole numbers that the kernel has printed')
    }
  },
}

const told: Target = {
  name: 'nft-monitor',
  samples: textsOf(
    '{"add": {"element": {"family": "inet", "table": "tollgate", "name": "cut", "elem": {"set": ["10.9.0.1"]}}}}',
    '{"add": {"element": {"table": "tollgate", "name": "cut", "elem": {"set": [{"elem": {"val": "10.9.0.1"}}]}}}}',
    '{"delete": {"table": {"family": "inet", "name": "tollgate", "handle": 1}}}',
    '{"delete": {"rule": {"family": "inet", "table": "tollgate", "chain": "guard", "handle": 9}}}',
    'table inet tollgate {\n  comment "router/r1"\n  set until {\n elements = { 10.9.0.4 timeout 1m expires 59s980ms, }\n }\n}',
  ),
  check(input) {
    const text = Buffer.from(input).toString()
    toldBy(text)
    promise(typeof ownerIn(text) === 'string', 'a table has an owner or none')
    promise(
      [...endsIn(text, 1000).values()].every((end) => end >= 1000),
      'a time ends later than now',
    )
  },
}

const neighbours: Target = {
  name: 'arp',
  samples: textsOf(
    'IP address       HW type     Flags       HW address            Mask     Device\n' +
      '192.168.66.101   0x1         0x2         02:66:ca:fe:00:01     *        br-lan\n' +
      '192.168.66.102   0x1         0x0         00:00:00:00:00:00     *        br-lan\n',
  ),
  check(input) {
    const read = parseNeighbours(Buffer.from(input).toString())
    promise(
      read.every(({ mac }) => Mac.safeParse(mac).success),
      'a neighbour has a MAC',
    )
  },
}

export const atThePortal = [list, client, status, table, told, neighbours]
