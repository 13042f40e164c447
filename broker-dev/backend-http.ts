// The sample backend's front door: `POST /buy` sells and answers with the outcome, `GET /health` says how it is doing.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type * as z from 'zod'
import { DirectGrant, PaidPurchase, RouterId } from '../protocol/index.ts'
import type { Backend, Outcome } from './backend.ts'

/** Not listening yet: the caller says where. */
export function createBackendServer(backend: Backend): Server {
  return createServer((request, response) => {
    respond(request, backend)
      .catch((error: unknown) => ({ status: 500, body: { error: String(error) } }))
      .then(({ status, body }) => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`)
      })
  })
}

interface Answer {
  status: number
  body: object
}

async function respond(request: IncomingMessage, backend: Backend): Promise<Answer> {
  const asked = `${request.method} ${new URL(request.url ?? '/', 'http://backend').pathname}`
  if (asked === 'GET /health') return { status: 200, body: { status: 'ok', ...backend.counts() } }
  if (asked !== 'POST /buy') return { status: 404, body: { error: `no ${asked} here: POST /buy or GET /health` } }
  const text = await textOf(request)
  if (text === undefined) return { status: 413, body: { error: `more than ${largestBody} bytes` } }
  const order = parseOrder(text)
  if ('problems' in order) return { status: 400, body: { error: 'this is no order', problems: order.problems } }
  const { router, ...what } = order
  const outcome = await backend.buy(router, what)
  return { status: statusOf(outcome), body: outcome }
}

const largestBody = 16 * 1024

async function textOf(request: IncomingMessage): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length
    if (size > largestBody) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

const PaidOrder = PaidPurchase.omit({ purchaseId: true }).extend({ router: RouterId })
const GrantOrder = DirectGrant.omit({ purchaseId: true }).extend({ router: RouterId })

function parseOrder(text: string): z.infer<typeof PaidOrder> | z.infer<typeof GrantOrder> | { problems: string[] } {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch {
    return { problems: ['the body is not JSON'] }
  }
  // Each form by itself says what is wrong with it; a union of both only that neither fits.
  const paid = typeof content === 'object' && content !== null && ('amount' in content || 'unit' in content)
  const parsed = (paid ? PaidOrder : GrantOrder).safeParse(content)
  if (parsed.success) return parsed.data
  return { problems: parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`) }
}

// Nobody knows yet what became of a purchase without an outcome: 504, and the money stays reserved.
function statusOf(outcome: Outcome): number {
  return outcome.outcome === 'no-outcome' ? 504 : 200
}
