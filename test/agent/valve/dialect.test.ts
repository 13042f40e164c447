// Proves that every recorded answer of the real daemons is read to the byte, and that anything else is refused as a whole.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import { parseClient, parseList, parseStatus } from '../../../agent/valve/dialect.ts'
import { PortalFault } from '../../../agent/valve/fault.ts'
import { aMac } from '../../support/builders.ts'
import { type Reading, readings } from './capture-readings.ts'

const folder = new URL('../../fixtures/captures/', import.meta.url)
const textOf = (name: string, what = 'stdout') => readFileSync(new URL(`${name}.${what}`, folder), 'utf8')
const all = Object.entries(readings)
const sound = all.filter(([, reading]) => !('exit' in reading))

/** What the agent reads from a capture, and the fault that it finds in it. */
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
  return { kind, ...(version && { version }), clients: clients.map(clientOf), trusted }
}

function faultIn(text: string, reading: Reading): string | undefined {
  try {
    read(text, reading)
    return undefined
  } catch (err) {
    return err instanceof PortalFault ? err.code : `unexpected ${err}`
  }
}

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

  test.each(sound.filter(([name]) => textOf(name).length < 1000))(
    '%s that is cut anywhere is refused, or whole',
    (name, reading) => {
      const text = textOf(name)
      const whole = text.trimEnd().length
      const cuts = Array.from({ length: text.length }, (_, size) => size)
      const faults = new Set(cuts.filter((size) => size < whole).map((size) => faultIn(text.slice(0, size), reading)))

      expect([...faults]).toEqual(['portal-garbled'])
      expect(read(text.slice(0, whole), reading)).toEqual(expected(name, reading))
    },
  )

  test.each(sound.filter(([name]) => textOf(name).length >= 1000))(
    '%s, a long list, cut anywhere is refused',
    (name, reading) => {
      const text = textOf(name)
      const cuts = Array.from({ length: 150 }, (_, n) => Math.floor((n / 150) * text.trimEnd().length))

      expect(new Set(cuts.map((size) => faultIn(text.slice(0, size), reading)))).toEqual(new Set(['portal-garbled']))
    },
  )

  test.each([
    { name: 'nodogsplash/03-pre-status', version: '5.0.2' },
    { name: 'opennds/03-pre-status', version: '9.10.0' },
    { name: 'opennds-10.3.1/04-json-all', version: undefined },
  ])('$name tells the version $version', ({ name, version }) => {
    expect(parseStatus(textOf(name)).version).toBe(version)
  })

  test.each([
    { text: textOf('nodogsplash/04-status'), trusted: [] },
    {
      text: 'Trusted MAC addresses:\n  02:66:ca:fe:00:77\n  02:66:ca:fe:00:01\n========\n',
      trusted: [aMac(0x77), aMac(1)],
    },
  ])('tells the trusted devices $trusted', ({ text, trusted }) => {
    expect(parseStatus(text).trusted).toEqual(trusted)
  })
})

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
    { when: 'it has no clients', text: '{"client_length": 0}' },
    { when: 'a counter is inf', text: nodogsplash('"downloaded":inf,"uploaded":1') },
    { when: 'a counter is -nan', text: nodogsplash('"downloaded":1,"uploaded":-nan') },
    { when: 'a counter is missing', text: nodogsplash('"downloaded":1') },
    { when: 'a counter is negative', text: nodogsplash('"downloaded":-1,"uploaded":1') },
    { when: 'a counter is a fraction', text: nodogsplash('"downloaded":1.5,"uploaded":1') },
    { when: 'a counter is text', text: nodogsplash('"downloaded":"1","uploaded":1') },
    { when: 'a counter is too large to count', text: nodogsplash('"downloaded":9007199254740992,"uploaded":1') },
    {
      when: 'openNDS says null for a counter',
      text: textOf('opennds/04-json-all').replace(/_this_session":"\d+"/, '_this_session":"null"'),
    },
    {
      when: 'a MAC is none',
      text: nodogsplash('"downloaded":1,"uploaded":1').replaceAll('02:66:ca:fe:00:01', '02:66'),
    },
    { when: 'a second answer follows', text: textOf('nodogsplash/04-json-all').repeat(2) },
  ])('is refused when $when', ({ text }) => {
    expect(() => parseList(text)).toThrow(expect.objectContaining({ code: 'portal-garbled' }))
  })

  it('is read where only averages are no numbers', () => {
    const text = nodogsplash('"downloaded":3,"avg_down_speed":inf,"uploaded":4,"avg_up_speed":-nan')

    expect(parseList(text).clients).toMatchObject([{ downloaded: 3000, uploaded: 4000 }])
  })

  it('is refused when a counter is not countable in bytes', () => {
    expect(() => parseList(nodogsplash('"downloaded":9007199254740991,"uploaded":1'))).toThrow(PortalFault)
  })
})
