// The sample backend's front door. `POST /buy` with an `Idempotency-Key` sells and answers with the outcome, or with 202 while there
// is none; `GET /orders/KEY` tells it later, with what was refunded.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type * as z from 'zod'
import { FleetError } from '../../client/index.ts'
import { DirectGrant, PaidPurchase, PurchaseId, RouterId } from '../../protocol/index.ts'
import type { Backend, OrderState } from './backend.ts'

/** The backend's server; the caller makes it listen. */
export function createBackendServer(backend: Backend): Server {
  return createServer((request, response) => {
    respond(request, backend)
      .catch(answerToFault)
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
  const [, known] = /^GET \/orders\/([^/]+)$/.exec(asked) ?? []
  if (known !== undefined) return answerOf(await backend.order(decodeURIComponent(known)))
  if (asked !== 'POST /buy')
    return { status: 404, body: { error: `no ${asked} here: POST /buy, GET /orders/KEY or GET /health` } }
  // A caller that asks again after a timeout must mean the same purchase, so the key is the caller's.
  const key = PurchaseId.safeParse(request.headers['idempotency-key'])
  if (!key.success)
    return { status: 400, body: { error: 'give an Idempotency-Key header of 1 to 128 characters without blanks' } }
  const text = await textOf(request)
  if (text === undefined) return { status: 413, body: { error: `more than ${largestBody} bytes` } }
  const order = parseOrder(text)
  if ('problems' in order) return { status: 400, body: { error: 'this is no order', problems: order.problems } }
  const { router, ...what } = order
  return answerOf(await backend.buy(key.data, router, what))
}

// Nobody knows yet what became of it: the money stays reserved, and the caller asks later.
function answerOf(state: OrderState): Answer {
  return { status: state.outcome === 'unknown' ? 202 : 200, body: state }
}

function answerToFault(error: unknown): Answer {
  if (error instanceof FleetError && error.code === 'conflict') return { status: 409, body: { error: error.message } }
  return { status: 503, body: { error: error instanceof Error ? error.message : String(error) } }
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
