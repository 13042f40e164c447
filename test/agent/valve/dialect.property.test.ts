// Proves that no text whatever makes the parsers fail in a way of their own, or read a number that is none.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import type { PortalClient } from '../../../agent/portal/portal-client.ts'
import { parseClient, parseList } from '../../../agent/valve/dialect.ts'
import { PortalFault } from '../../../agent/valve/portal-fault.ts'
import { anyText } from '../../support/any-text.ts'

const folder = new URL('../../fixtures/captures/', import.meta.url)
const real = [
  'nodogsplash/13-ipchange-json-all',
  'nodogsplash/06-json-portal-auth-same-second',
  'opennds/06-json-all-custom-quote',
  'opennds/13-ipchange-json-mac',
].map((name) => readFileSync(new URL(`${name}.stdout`, folder), 'utf8'))

/** A real answer with some of it overwritten, as by a daemon that prints from wrong memory. */
const spoilt = fc
  .record({
    text: fc.constantFrom(...real),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(40),
    put: fc.oneof(fc.string(), fc.constantFrom('nan', 'inf', '"', '{', '}', ',', '-1', '1e999', '"null"', '\n')),
  })
  .map(({ text, at, length, put }) => {
    const from = Math.floor(at * text.length)
    return text.slice(0, from) + put + text.slice(from + length)
  })
const answers = fc.oneof(anyText(), fc.json(), spoilt)

function clientsIn(text: string): PortalClient[] {
  const clients: PortalClient[] = []
  for (const read of [() => parseList(text).clients, () => [parseClient(text)]]) {
    try {
      for (const client of read()) if (client) clients.push(client)
    } catch (err) {
      expect(err).toBeInstanceOf(PortalFault)
    }
  }
  return clients
}

it('reads whole counters or throws PortalFault, whatever the text', () => {
  fc.assert(
    fc.property(answers, (text) => {
      for (const { downloaded, uploaded, open } of clientsIn(text)) {
        expect([downloaded, uploaded].every((bytes) => Number.isInteger(bytes) && bytes >= 0)).toBe(true)
        expect(typeof open).toBe('boolean')
      }
    }),
    { numRuns: 1500 },
  )
})
