// Who is let in: decided from a request's headers alone. A page of another site can send requests here with the browser of somebody who
// may reach this server: such a request names a strange host (DNS rebinding) or a strange origin (request forgery).
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'

export interface AdmissionRules {
  /** Where it listens. */
  host: string
  port: number
  /** Names under which a proxy offers it. */
  names: readonly string[]
  /** Without one, nobody is asked. */
  token: string | undefined
}

export interface Asking {
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export type Refusal = { status: 401 | 403 | 415 | 421; why: string }

/** Why it is not let in; nothing when it is. `isPublic`: the page itself, which holds no secret. */
export function refusalOf(asking: Asking, rules: AdmissionRules, isPublic: boolean): Refusal | undefined {
  const { method, headers } = asking
  const host = textOf(headers.host)
  if (!isOurs(host, rules)) return { status: 421, why: `this server is not ${host || 'without a name'}: see --name` }
  if (isFromElsewhere(asking, host)) return { status: 403, why: 'a page of another site asks for this' }
  if (method !== 'GET' && method !== 'HEAD' && !/^application\/json\b/.test(textOf(headers['content-type']))) {
    return { status: 415, why: 'the content type must be application/json' }
  }
  if (!isPublic && !isKnown(headers, rules)) return { status: 401, why: 'the token is missing or wrong' }
  return undefined
}

// An address as the host cannot be another site's name that leads here.
function isOurs(host: string, { names }: AdmissionRules): boolean {
  const name = hostnameOf(host)
  return name !== '' && (name === 'localhost' || isIP(name) !== 0 || names.includes(name))
}

function hostnameOf(host: string): string {
  const [, bracketed, plain = ''] = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::\d{1,5})?$/.exec(host) ?? []
  return (bracketed ?? plain).toLowerCase()
}

function isFromElsewhere({ method, headers }: Asking, host: string): boolean {
  const site = textOf(headers['sec-fetch-site'])
  // `none`: a person opened it, from a bookmark or the address line.
  if (site !== '' && site !== 'same-origin' && site !== 'none') return !(method === 'GET' && isNavigation(headers))
  const origin = textOf(headers.origin)
  return origin !== '' && origin !== `http://${host}` && origin !== `https://${host}`
}

// A link on another site may lead here; it shows the page and does nothing.
function isNavigation(headers: Asking['headers']): boolean {
  return textOf(headers['sec-fetch-mode']) === 'navigate' && textOf(headers['sec-fetch-dest']) === 'document'
}

/** By the header of a program or the cookie of a browser. */
function isKnown(headers: Asking['headers'], rules: AdmissionRules): boolean {
  if (rules.token === undefined) return true
  const [, bearer] = /^Bearer (\S+)$/.exec(textOf(headers.authorization)) ?? []
  if (bearer !== undefined) return isSame(bearer, rules.token)
  const cookies = textOf(headers.cookie).split(/; */)
  const ticket = cookies.find((cookie) => cookie.startsWith(`${cookieName(rules)}=`))
  return ticket !== undefined && isSame(ticket.slice(cookieName(rules).length + 1), ticketOf(rules.token))
}

export function isToken(given: string, { token }: AdmissionRules): boolean {
  return token !== undefined && isSame(given, token)
}

/** Cookies know no ports: two servers on one machine have one each by their name. */
export function cookieOf(rules: AdmissionRules & { token: string }): string {
  return `${cookieName(rules)}=${ticketOf(rules.token)}; Path=/; HttpOnly; SameSite=Strict`
}

function cookieName({ port }: AdmissionRules): string {
  return `tollgate-page-${port}`
}

// The cookie holds a digest of the token: it ends with the token, and cannot be turned back into it.
function ticketOf(token: string): string {
  return digest(`ticket of ${token}`).toString('hex')
}

function isSame(given: string, wanted: string): boolean {
  return timingSafeEqual(digest(given), digest(wanted))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(',') : (value ?? '')
}

/** Whether an address is reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}
