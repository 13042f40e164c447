// The page's front door: its files, its stream, and what may be asked for.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isTooDeep } from '../../protocol/index.ts'
import { type Answer, type createActs, problem } from './acts.ts'
import { type AdmissionRules, cookieOf, isToken, refusalOf } from './admission.ts'
import type { Asset } from './assets.ts'
import type { Picture, PictureClock } from './picture.ts'
import type { Streams } from './streams.ts'
import { devicesCsv, routersCsv, salesCsv } from './tables.ts'

export interface PageHttpParts {
  assets: ReadonlyMap<string, Asset>
  picture: Picture
  streams: Streams
  acts: ReturnType<typeof createActs>
  clock: PictureClock
  /** Known when it listens. */
  rules(): AdmissionRules
  /** Why it is not well; nothing when it is. */
  fault(): string | undefined
}

const largestBody = 16 * 1024

// Nothing runs on the page but its own files, nobody frames it, and it tells no other site where it is.
const safety = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** The server of the page; the caller makes it listen. */
export function createPageHttp(parts: PageHttpParts): Server {
  return createServer((request, response) => {
    for (const [name, value] of Object.entries(safety)) response.setHeader(name, value)
    respond(request, response, parts).catch((error) => {
      // A browser that goes away in the middle is no fault.
      if (response.headersSent) response.destroy()
      else sayJson(response, problem(500, error instanceof Error ? error.message : String(error)))
    })
  })
}

async function respond(request: IncomingMessage, response: ServerResponse, parts: PageHttpParts): Promise<void> {
  const { method = 'GET', headers } = request
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page')
  const asset = parts.assets.get(pathname)
  const isPublic = asset !== undefined || pathname === '/healthz' || pathname === '/api/login'
  const refusal = refusalOf({ method, headers }, parts.rules(), isPublic)
  if (refusal) return sayJson(response, problem(refusal.status, refusal.why))
  if (method === 'POST') return post(pathname, request, response, parts)
  if (method !== 'GET' && method !== 'HEAD') return sayJson(response, problem(405, 'only GET and POST'))
  if (asset) return sayAsset(request, response, asset)
  if (pathname === '/api/stream') {
    if (parts.streams.open(response, searchParams.get('router') ?? undefined)) return
    return sayJson(response, problem(503, 'too many browsers look at this server'))
  }
  const table = tableOf(pathname, searchParams, parts)
  if (table !== undefined) return sayCsv(response, pathname.slice(1), table)
  if (pathname === '/healthz') {
    const fault = parts.fault()
    return sayJson(response, fault === undefined ? { status: 200, body: { status: 'ok' } } : problem(503, fault))
  }
  if (pathname === '/api/hello') return sayJson(response, { status: 200, body: {} })
  if (pathname === '/api/sales') return sayJson(response, { status: 200, body: { sales: parts.picture.sales() } })
  return sayJson(response, problem(404, `there is no ${pathname}`))
}

function tableOf(path: string, asked: URLSearchParams, { picture, clock }: PageHttpParts): string | undefined {
  if (path === '/sales.csv') return salesCsv(picture.sales())
  if (path === '/routers.csv') return routersCsv(picture.since(-1).routers ?? [], clock.now())
  const detail = path === '/devices.csv' ? picture.detailSince(-1, asked.get('router') ?? '') : undefined
  return detail && devicesCsv(detail)
}

async function post(path: string, request: IncomingMessage, response: ServerResponse, parts: PageHttpParts) {
  const content = await contentOf(request)
  if ('status' in content) return sayJson(response, content)
  if (path === '/api/login') return sayJson(response, logIn(content.content, response, parts.rules()))
  if (path === '/api/look') {
    const { stream, router } = content.content as { stream?: unknown; router?: unknown }
    const isKnown =
      typeof stream === 'string' && parts.streams.look(stream, typeof router === 'string' ? router : undefined)
    return sayJson(response, isKnown ? { status: 200, body: {} } : problem(404, 'there is no such stream any more'))
  }
  const answer = await parts.acts(path, content.content)
  return sayJson(response, answer ?? problem(404, `there is no ${path}`))
}

function logIn(content: object, response: ServerResponse, rules: AdmissionRules): Answer {
  const { token } = content as { token?: unknown }
  if (rules.token === undefined) return { status: 200, body: {} }
  if (typeof token !== 'string' || !isToken(token, rules)) return problem(401, 'this is not the token')
  response.setHeader('set-cookie', cookieOf({ ...rules, token: rules.token }))
  return { status: 200, body: {} }
}

async function contentOf(request: IncomingMessage): Promise<{ content: object } | Answer> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > largestBody) return problem(413, `more than ${largestBody} bytes`)
    pieces.push(piece)
  }
  try {
    const content: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    if (typeof content === 'object' && content !== null && !isTooDeep(content)) return { content }
  } catch {
    // The answer below says what is wanted.
  }
  return problem(400, 'the body is not one JSON object')
}

function sayAsset({ headers, method }: IncomingMessage, response: ServerResponse, asset: Asset): void {
  const isCompressed = /\bgzip\b/.test(String(headers['accept-encoding']))
  const bytes = isCompressed ? asset.compressed : asset.bytes
  response.writeHead(200, {
    'content-type': asset.type,
    'content-length': bytes.length,
    'cache-control': asset.isNamedByContent ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
    ...(isCompressed && { 'content-encoding': 'gzip' }),
  })
  response.end(method === 'HEAD' ? undefined : bytes)
}

function sayJson(response: ServerResponse, { status, body }: Answer): void {
  say(response, status, 'application/json', `${JSON.stringify(body, bigIntsAsText)}\n`)
}

function sayCsv(response: ServerResponse, name: string, text: string): void {
  response.setHeader('content-disposition', `attachment; filename="${name}"`)
  say(response, 200, 'text/csv; charset=utf-8', text)
}

function say(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  })
  response.end(text)
}

function bigIntsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
