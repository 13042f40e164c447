// Proves who is let in at the page's server: nobody from another site, and with a token nobody without it.
import { describe, expect, it, test } from 'vitest'
import { cookieOf, isLoopback, isToken, refusalOf } from '../../page/server/admission.ts'

const rules = { host: '127.0.0.1', port: 8081, names: ['fleet.example'], token: undefined as string | undefined }
const locked = { ...rules, token: 'a-token-of-sixteen-or-more' }
const here = { host: '127.0.0.1:8081' }
const json = { 'content-type': 'application/json' }

function statusOf(method: string, headers: Record<string, string>, isPublic = false, by = rules): number {
  return refusalOf({ method, headers }, by, isPublic)?.status ?? 200
}

test.each([
  ['127.0.0.1:8081', 200],
  ['[::1]:8081', 200],
  ['localhost:8081', 200],
  ['192.168.1.7:8081', 200],
  ['fleet.example', 200],
  ['FLEET.example:443', 200],
  // DNS rebinding: another site's name that leads here.
  ['evil.example:8081', 421],
  ['127.0.0.1.evil.example', 421],
  ['localhost.evil.example', 421],
  ['evil.example@127.0.0.1', 421],
  ['', 421],
])('a request to the host %j gets %i', (host, status) => {
  expect(statusOf('GET', { host })).toBe(status)
  expect(statusOf('GET', { host }, true)).toBe(status)
})

describe('a page of another site', () => {
  test.each([
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors' }],
    [{ 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }],
    [{ origin: 'http://evil.example' }],
    [{ origin: 'http://127.0.0.1:9999' }],
    [{ origin: 'null' }],
  ])('gets nothing with %j', (headers) => {
    expect(statusOf('GET', { ...here, ...headers })).toBe(403)
    expect(statusOf('POST', { ...here, ...json, ...headers })).toBe(403)
  })

  it('cannot post a form, which is the one thing that a browser sends anywhere unasked', () => {
    expect(statusOf('POST', { ...here, 'content-type': 'text/plain' })).toBe(415)
    expect(statusOf('POST', here)).toBe(415)
  })

  it('may lead here by a link', () => {
    const link = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    expect(statusOf('GET', { ...here, ...link }, true)).toBe(200)
    expect(statusOf('POST', { ...here, ...json, ...link })).toBe(403)
  })
})

test.each([
  [{ 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:8081' }],
  [{ 'sec-fetch-site': 'none' }],
  // A program sends none of them.
  [{}],
])('its own page is let in with %j', (headers) => {
  expect(statusOf('POST', { ...here, ...json, ...headers })).toBe(200)
})

describe('the token', () => {
  const cookie = cookieOf({ ...locked, token: locked.token })
  const [ticket = ''] = cookie.split(';')

  test.each([
    ['nothing', {}, 401],
    ['its cookie', { cookie: `other=1; ${ticket}` }, 200],
    ['another cookie', { cookie: ticket.replace(/.$/, (last) => (last === '0' ? '1' : '0')) }, 401],
    ['the token as a cookie', { cookie: `tollgate-page-8081=${locked.token}` }, 401],
    ['the cookie of another port', { cookie: ticket.replace('8081', '8082') }, 401],
    ['its header', { authorization: `Bearer ${locked.token}` }, 200],
    ['another header', { authorization: `Bearer ${locked.token}x` }, 401],
  ])('asked for, %s gets %j %i', (_name, headers, status) => {
    expect(statusOf('GET', { ...here, ...headers }, false, locked)).toBe(status)
    expect(statusOf('GET', { ...here, ...headers }, true, locked)).toBe(200)
  })

  it('is kept from scripts and from other sites, and is not in its cookie', () => {
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Strict$/)
    expect(cookie).not.toContain(locked.token)
    expect([isToken(locked.token, locked), isToken('', rules)]).toEqual([true, false])
  })
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.7', false],
  ['127.0.0.1.evil.example', false],
])('%s is reached from this machine only: %j', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})
