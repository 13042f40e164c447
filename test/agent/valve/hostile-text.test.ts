// Proves that of openNDS's answers nothing is believed that a customer can write, and that an odd text costs nobody anything.
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { parseClient, parseList } from '../../../agent/valve/dialect.ts'
import { createPortal } from '../../../broker-dev/portal/world.ts'
import { join } from '../../support/a-portal.ts'
import { anyText } from '../../support/any-text.ts'
import { aMac, anIp, aWall } from '../../support/builders.ts'

const folder = new URL('../../fixtures/captures/', import.meta.url)
const recorded = readFileSync(new URL('opennds/04-json-all.stdout', folder), 'utf8')
const sound = parseList(recorded)

/** A recorded answer with that text in the `custom` of its first device. */
const withCustom = (custom: string, answer = recorded) =>
  answer.replace(/"custom":"[^"]*"/, () => `"custom":"${custom}"`)
/** The answer about the first device alone. */
const [, alone = ''] = /"clients":\{\s*"[^"]+":(\{[\s\S]*?"upload_session_avg":"[^"]*"\s*\})/.exec(recorded) ?? []

const forged = sound.clients[1]?.mac
const rowOf = (mac: string | undefined) =>
  `"},\n"${mac}":{\n"gatewayname":"x","mac":"${mac}","ip":"192.168.66.250","token":"ffffffff","state":"Authenticated",` +
  `"custom":"x","download_this_session":"9","download_session_avg":"0","upload_this_session":"9","upload_session_avg":"0"}`

const texts = [
  { that: 'a quote', custom: 'a"b' },
  { that: 'a line feed', custom: ' preemptivemac-02:aa:bb:cc:00:03\n' },
  { that: 'control characters', custom: 'a\u0000\u0001\t\r\nb' },
  { that: 'a backslash at its end', custom: 'x\\' },
  { that: 'a brace', custom: '}}' },
  { that: 'another state', custom: 'x",\n"state":"Preauthenticated",\n"y":"z' },
  { that: 'another MAC and IP', custom: `x",\n"mac":"${forged}","ip":"192.168.66.9","y":"z` },
  { that: 'another token', custom: 'x","token":"00000000","y":"z' },
  { that: 'other counters', custom: 'x","download_this_session":"0","upload_this_session":"0","y":"z' },
  {
    that: 'other counters, as they are printed',
    custom:
      'x","download_this_session":"0","download_session_avg":"0","upload_this_session":"0","upload_session_avg":"0"}',
  },
]

describe('a custom text with', () => {
  test.each(texts)('$that changes nothing in the list', ({ custom }) => {
    expect(parseList(withCustom(custom))).toEqual(sound)
  })

  test.each(texts)('$that changes nothing in the answer about its device', ({ custom }) => {
    expect(parseClient(withCustom(custom, alone))).toEqual(sound.clients[0])
  })

  it('a whole row of its own makes nobody else of its device', () => {
    expect(parseClient(withCustom(rowOf(aMac(9)), alone))?.mac).toBe(sound.clients[0]?.mac)
  })

  it.each([forged, aMac(9)])('a whole row of %s has the list refused: more rows than the daemon has counted', (mac) => {
    expect(() => parseList(withCustom(rowOf(mac)))).toThrow(expect.objectContaining({ code: 'portal-garbled' }))
  })

  it('any text at all never changes who a device is, what it may and what it has moved', () => {
    const pieces = fc.constantFrom(
      '"',
      '\n',
      '{',
      '}',
      ',',
      ':',
      '"mac":"',
      '"state":"Authenticated"',
      '\\',
      rowOf(forged),
    )
    const text = fc.array(fc.oneof(anyText({ maxLength: 8 }), pieces), { maxLength: 12 })
    fc.assert(
      fc.property(text, (parts) => {
        expect(parseClient(withCustom(parts.join(''), alone))).toEqual(sound.clients[0])
      }),
      { numRuns: 500 },
    )
  })
})

describe('at a portal with a hostile customer', () => {
  const portal = createPortal({ flavour: 'opennds', now: () => aWall, random: () => Math.random() })
  join(portal, 1)
  join(portal, 2)
  portal.splashLogin(aMac(2), `x",\n"state":"Preauthenticated",\n"mac":"${aMac(1)}",\n"y":"z`)
  portal.transfer(aMac(2), { downloaded: 1024 * 50, uploaded: 0 })

  it('the list shows who is open and whose bytes they are', () => {
    expect(parseList(portal.request('json')).clients).toMatchObject([
      { mac: aMac(1), open: false, downloaded: 0 },
      { mac: aMac(2), ip: anIp(2), open: true, downloaded: 51_200 },
    ])
  })

  it('so does the answer about that device', () => {
    expect(parseClient(portal.request(`json ${aMac(2)}`))).toMatchObject({
      mac: aMac(2),
      open: true,
      downloaded: 51_200,
    })
  })
})
