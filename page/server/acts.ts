// The acts that a browser may ask for: each with a body of its own form and an answer as JSON.
import * as z from 'zod'
import { type Fleet, FleetError, type Order } from '../../client/index.ts'
import { Command, DirectGrant, faultsInWords, PaidPurchase, PurchaseId, RouterId } from '../../protocol/index.ts'
import type { FaultKind, FaultRecord } from '../wire/wire.ts'

/** The faults of the simulation; a real fleet has none. */
export interface FaultInjector {
  kinds: readonly FaultKind[]
  /** Does it, or undoes what is there already. */
  inject(
    id: string,
    routerId: string,
  ): Promise<{ outcome: string; did: string } | { outcome: 'impossible'; why: string }>
  /** All that was done, the newest last; another list where anything changed. */
  records(): readonly FaultRecord[]
}

export interface Answer {
  status: number
  body: object
}

export interface ActsParts {
  fleet: Pick<Fleet, 'purchase' | 'command' | 'query'>
  isReadOnly: boolean
  faults?: FaultInjector | undefined
  /** Told of everything that was asked for, in words. */
  onAct?: ((what: string) => void) | undefined
}

// A person waits for it; the purchase itself is sent on.
const patience = 15_000
const mostUnderWay = 32

const Paid = PaidPurchase.extend({ router: RouterId })
const Grant = DirectGrant.extend({ router: RouterId })
const acting = ['session.end', 'session.pause', 'session.resume', 'session.move'] as const
const Act = z.intersection(z.object({ router: RouterId, command: z.enum(acting) }), Command)
const Explain = z.object({ router: RouterId, purchaseId: PurchaseId })
const Inject = z.object({ fault: z.string().min(1).max(64), router: RouterId })

export function createActs({ fleet, isReadOnly, faults, onAct = () => {} }: ActsParts) {
  let underWay = 0

  async function buy({ router, ...order }: z.infer<typeof Paid> | z.infer<typeof Grant>): Promise<Answer> {
    onAct(`buy at ${router} for ${order.mac}: ${order.purchaseId}`)
    return { status: 200, body: await fleet.purchase(router, order as Order, { within: patience }) }
  }

  async function act({ router, ...command }: z.infer<typeof Act>): Promise<Answer> {
    onAct(`${command.command} at ${router}: ${JSON.stringify(command)}`)
    // Each of the four has an answer of its own; the browser shows whichever it is.
    const asked = command as Parameters<typeof fleet.command<(typeof acting)[number]>>[1]
    return { status: 200, body: await fleet.command(router, asked) }
  }

  async function explain({ router, purchaseId }: z.infer<typeof Explain>): Promise<Answer> {
    const question = { command: 'purchase.explain', purchaseId } as const
    return { status: 200, body: await fleet.query(router, question, { within: patience }) }
  }

  async function inject({ fault, router }: z.infer<typeof Inject>): Promise<Answer> {
    if (!faults) return problem(404, 'faults are the simulation’s')
    onAct(`fault at ${router}: ${fault}`)
    const result = await faults.inject(fault, router)
    return 'why' in result ? problem(409, result.why) : { status: 200, body: result }
  }

  const routes: Record<string, (content: object) => Promise<Answer>> = {
    // Each form by itself says what is wrong with it; a union of both only that neither fits.
    '/api/buy': (content) => ('amount' in content ? taking(Paid, buy) : taking(Grant, buy))(content),
    '/api/act': taking(Act, act),
    '/api/explain': taking(Explain, explain),
    '/api/fault': taking(Inject, inject),
  }

  /** The answer to a request, or nothing where there is no such thing to ask for. Never throws for what a request can do. */
  return async (path: string, content: object): Promise<Answer | undefined> => {
    const route = routes[path]
    if (!route) return undefined
    if (isReadOnly && path !== '/api/explain')
      return problem(403, 'this page may only look: it was started with --read-only')
    if (underWay >= mostUnderWay) return problem(429, 'too much is under way: try again in a moment')
    underWay++
    try {
      return await route(content)
    } catch (error) {
      if (error instanceof FleetError) return problem(error.code === 'conflict' ? 409 : 503, error.message)
      throw error
    } finally {
      underWay--
    }
  }
}

function taking<Content>(form: z.ZodType<Content>, work: (content: Content) => Promise<Answer>) {
  return async (content: object): Promise<Answer> => {
    const parsed = form.safeParse(content)
    return parsed.success ? work(parsed.data) : problem(400, faultsInWords(parsed.error, content))
  }
}

export function problem(status: number, why: string): Answer {
  return { status, body: { problem: why } }
}
