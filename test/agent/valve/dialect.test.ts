// Proves that every recorded answer of the real daemons is read to the byte, and that what cannot be read costs its own row.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import type { PortalList } from '../../../agent/portal/portal-client.ts'
import { parseClient, parseList, parseStatus } from '../../../agent/valve/dialect.ts'
import { PortalFault } from '../../../agent/valve/portal-fault.ts'
import { aMac } from '../../support/builders.ts'
import { type Reading, readings } from './capture-readings.ts'

const folder = new URL('../../fixtures/captures/', import.meta.url)
const textOf = (name: string, what = 'stdout') => readFileSync(new URL(`${name}.${what}`, folder), 'utf8')
const all = Object.entries(readings)
const sound = all.filter(([, reading]) => !('exit' in reading))

/** The agent's reading of a capture, and the fault that it finds in it. */
function read(text: string, reading: Reading): unknown {
  return 'clients' in reading ? parseList(text) : parseClient(text)
}

function expected(name: string, reading: Reading): unknown {
  const kind = name.startsWith('nodogsplash') ? 'nodogsplash' : 'opennds'
  const clientOf = (row: string) => {
    const [mac, ip, token, state, downloaded, uploaded, addresses = '1'] = row.split(' ')
    const unit = kind === 'nodogsplash' ? 1000 : 1024
    const counters = { downloaded: Number(downloaded) * unit, uploaded: Number(uploaded) * unit }
    const onLan = kind === 'opennds' && { addresses: Number(addresses) }
    return { mac, ip, token, open: state === 'Authenticated', ...counters, ...onLan }
  }
  if ('exit' in reading) throw new Error('there is nothing to read')
  if ('client' in reading) return reading.client === undefined ? undefined : clientOf(reading.client)
  const { clients, version, trusted = [] } = reading
  // nodogsplash tells by its status alone whom its owner trusts.
  return {
    kind,
    ...(version && { version }),
    clients: clients.map(clientOf),
    ...(kind === 'opennds' && { trusted }),
  }
}

function readOrFault(text: string, reading: Reading): unknown {
  try {
    return read(text, reading)
  } catch (err) {
    return err instanceof PortalFault ? err.code : `unexpected ${err}`
  }
}

const range = (size: number) => Array.from({ length: size }, (_, n) => n)

describe('a recorded answer', () => {
  it('of every call of ndsctl json is in the table', () => {
    const daemons = ['nodogsplash', 'opennds', 'opennds-10.3.1']
    const recorded = daemons.flatMap((daemon) =>
      readdirSync(new URL(`${daemon}/`, folder))
        .filter(
          (file) =>
            file.endsWith('.cmd') && /\bjson\b/.test(readFileSync(new URL(`${daemon}/${file}`, folder), 'utf8')),
        )
        .map((file) => `${daemon}/${file.replace('.cmd', '')}`),
    )

    expect(Object.keys(readings).sort()).toEqual(recorded.sort())
  })

  test.each(sound)('%s is read to the byte', (name, reading) => {
    expect(read(textOf(name), reading)).toEqual(expected(name, reading))
  })

  test.each(all.filter(([, reading]) => 'exit' in reading))(
    '%s failed and is garbled as a list and as a client',
    (name, reading) => {
      expect(Number(textOf(name, 'exit'))).toBe('exit' in reading && reading.exit)
      expect(() => parseList(textOf(name))).toThrow(expect.objectContaining({ code: 'portal-garbled' }))
      expect(() => parseClient(textOf(name))).toThrow(expect.objectContaining({ code: 'portal-garbled' }))
    },
  )

  test.each(sound)('%s that is cut anywhere is refused, or tells of the rows that stand there', (name, reading) => {
    const text = textOf(name)
    const whole = read(text, reading)
    const size = text.trimEnd().length
    const cuts = size < 1000 ? range(size) : range(150).map((part) => Math.floor((part / 150) * size))
    for (const cut of cuts) {
      const told = readOrFault(text.slice(0, cut), reading)
      if (told === 'portal-garbled') continue
      const { clients, only, trusted } = told as PortalList
      expect((whole as PortalList).clients.slice(0, clients.length)).toEqual(clients)
      expect(only).toEqual(new Set(clients.map(({ mac }) => mac)))
      expect(trusted).toBeUndefined()
    }
    expect(read(text.slice(0, size), reading)).toEqual(whole)
  })

  test.each([
    { name: 'nodogsplash/03-pre-status', version: '5.0.2' },
    { name: 'opennds/03-pre-status', version: '9.10.0' },
    { name: 'opennds-10.3.1/04-status', version: '10.3.1' },
  ])('$name tells the version $version', ({ name, version }) => {
    expect(parseStatus(textOf(name)).version).toBe(version)
  })

  test.each([
    { trusted: [], rows: 'none' },
    { trusted: [aMac(0x77), aMac(1)], rows: '\n  02:66:ca:fe:00:77\n  02:66:ca:fe:00:01' },
  ])('of a status tells the trusted devices $trusted', ({ trusted, rows }) => {
    const text = textOf('nodogsplash/04-status').replace(
      'Trusted MAC addresses: none',
      `Trusted MAC addresses: ${rows}`,
    )

    expect(parseStatus(text).trusted).toEqual(trusted)
  })

  it('of a status without that line does not say who is trusted', () => {
    const text = textOf('nodogsplash/04-status').replace(/Trusted MAC addresses:.*\n/, '')

    expect(parseStatus(text).trusted).toBeUndefined()
  })

  test.each(['nodogsplash/04', 'opennds/04', 'opennds-10.3.1/04'])(
    '%s: status and json tell the same of every device',
    (name) => {
      const { list } = parseStatus(textOf(`${name}-status`))
      const { clients } = parseList(textOf(`${name}-json-all`))

      expect(list.clients).toEqual(clients.map(({ addresses: _, ...client }) => client))
      expect(list.only).toBeUndefined()
    },
  )

  test.each(['nodogsplash/04-status', 'opennds/04-status'])(
    '%s that is cut anywhere is refused, or tells of the rows that stand there',
    (name) => {
      const text = textOf(name)
      const whole = parseStatus(text).list
      for (const cut of range(text.trimEnd().length - 1)) {
        const told = statusOrFault(text.slice(0, cut))
        if (told === 'portal-garbled') continue
        const { clients, only, trusted } = told
        expect(whole.clients.slice(0, clients.length)).toEqual(clients)
        if (clients.length < whole.clients.length) expect(only).toEqual(new Set(clients.map(({ mac }) => mac)))
        expect([undefined, whole.trusted]).toContainEqual(trusted)
      }
    },
  )

  test.each([...sound.map(([name]) => name), 'opennds/00-notrunning-status-x'])('%s is no status', (name) => {
    expect(statusOrFault(textOf(name))).toBe('portal-garbled')
  })
})

function statusOrFault(text: string): PortalList | 'portal-garbled' {
  try {
    return parseStatus(text).list
  } catch (err) {
    if (err instanceof PortalFault && err.code === 'portal-garbled') return err.code
    throw err
  }
}

const nodogsplash = (fields: string) =>
  `{\n"client_length": 1,\n"clients":{\n"02:66:ca:fe:00:01":{\n"id":1,"ip":"192.168.66.101","mac":"02:66:ca:fe:00:01",` +
  `"token":"aa11bb22","state":"Authenticated",${fields}\n}\n}\n}\n`

describe('an answer that is no sound list', () => {
  test.each([
    { when: 'it is empty', text: '' },
    { when: 'the daemon is busy', text: 'ndsctl thread is busy, please try later.\n' },
    { when: 'it is an HTML page', text: '<html>busy</html>' },
    { when: 'it is an empty object', text: '{}' },
    { when: 'it is an array', text: '[]' },
    { when: 'it is null', text: 'null' },
    { when: 'it is a number', text: '12' },
    { when: 'it says of no number', text: '{"clients":{}}' },
    {
      when: 'it lists more than it says',
      text: textOf('nodogsplash/04-json-all').replace('"client_length": 2', '"client_length": 1'),
    },
    { when: 'a counter is inf', text: nodogsplash('"downloaded":inf,"uploaded":1') },
    { when: 'a counter is -nan', text: nodogsplash('"downloaded":1,"uploaded":-nan') },
    { when: 'a counter is missing', text: nodogsplash('"downloaded":1') },
    { when: 'a counter is negative', text: nodogsplash('"downloaded":-1,"uploaded":1') },
    { when: 'a counter is a fraction', text: nodogsplash('"downloaded":1.5,"uploaded":1') },
    { when: 'a counter is text', text: nodogsplash('"downloaded":"1","uploaded":1') },
    { when: 'a counter is too large to count', text: nodogsplash('"downloaded":9007199254740992,"uploaded":1') },
    {
      when: 'a MAC is none',
      text: nodogsplash('"downloaded":1,"uploaded":1').replaceAll('02:66:ca:fe:00:01', '02:66'),
    },
    { when: 'a second answer follows', text: textOf('nodogsplash/04-json-all').repeat(2) },
  ])('is refused when $when', ({ text }) => {
    expect(() => parseList(text)).toThrow(expect.objectContaining({ code: 'portal-garbled' }))
  })

  it('is read without the row that says null for a counter', () => {
    const text = textOf('opennds/04-json-all').replace(/_this_session":"\d+"/, '_this_session":"null"')
    const { clients } = parseList(textOf('opennds/04-json-all'))
    const told = parseList(text)

    expect(told).toMatchObject({ clients: clients.slice(1), only: new Set(clients.slice(1).map(({ mac }) => mac)) })
  })

  it('is read where only averages are no numbers', () => {
    const text = nodogsplash('"downloaded":3,"avg_down_speed":inf,"uploaded":4,"avg_up_speed":-nan')

    expect(parseList(text).clients).toMatchObject([{ downloaded: 3000, uploaded: 4000 }])
  })

  it('is refused when a counter is not countable in bytes', () => {
    expect(() => parseList(nodogsplash('"downloaded":9007199254740991,"uploaded":1'))).toThrow(PortalFault)
  })
})
