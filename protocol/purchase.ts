// A purchase on `router/<id>/purchase`: what was paid, or a direct grant; and how it is read from the wire.
import * as z from 'zod'
import { AnyMac, Count, Deadline, type Mac, Metric, PurchaseId, Reference } from './values.ts'

/** Larger messages are refused unread. */
export const largestMessageBytes = 16 * 1024

/** Why a purchase was refused: the closed list of the contract. */
export const RefusalCode = z.enum([
  'invalid-message',
  'invalid-mac',
  'unknown-price',
  'unsupported-metric',
  'below-minimum',
  'allotment-overflow',
  'expired',
  'conflict',
  'unauthorised',
  'too-many-purchases',
  'storage-failure',
])
export type RefusalCode = z.infer<typeof RefusalCode>

const common = {
  purchaseId: PurchaseId,
  mac: AnyMac,
  reference: Reference.optional(),
  notAfter: Deadline.optional(),
  /** Milliseconds of the agent's running time: a session that has not opened by then ends as `abandoned`. */
  startWithin: Count.optional(),
}

/**
 * What was paid, priced by the router's own price list. `metric`, when given, must be the one the router sells;
 * `source` picks among prices of one unit.
 */
export const PaidPurchase = z.object({
  ...common,
  amount: z.number().min(0),
  unit: z.string().min(1).max(64),
  source: z.string().min(1).max(256).optional(),
  metric: Metric.optional(),
  allotment: z.undefined({ error: 'give amount and unit, or metric and allotment, not both' }).optional(),
})

/** So many bytes or milliseconds, priced by the backend. */
export const DirectGrant = z.object({ ...common, metric: Metric, allotment: Count })

/** One purchase. Unknown fields are ignored. */
export const Purchase = z.union([PaidPurchase, DirectGrant])
export type Purchase = z.output<typeof Purchase>
/** A purchase as a backend may write it: any spelling of the MAC. */
export type PurchaseInput = z.input<typeof Purchase>

/** A purchase that could not be read, with as much of it as could. */
export interface Unreadable {
  code: RefusalCode
  message: string
  purchaseId?: string
  reference?: string
  mac?: Mac
  /** The message as parsed JSON, for telling a repetition from another message under the same id. */
  content?: unknown
}

/** Reads a payload from the purchase topic; a payload that is no purchase comes back as a refusal, never as a throw. */
export function parsePurchase(payload: Uint8Array): { purchase: Purchase } | { unreadable: Unreadable } {
  if (payload.byteLength > largestMessageBytes) {
    return unreadable(`the message has ${payload.byteLength} bytes, more than ${largestMessageBytes}`)
  }
  let content: unknown
  try {
    content = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
  } catch {
    return unreadable('the message is not JSON in UTF-8')
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return unreadable('the message is not one JSON object')
  }
  const form = 'amount' in content || 'unit' in content ? PaidPurchase : DirectGrant
  const parsed = form.safeParse(content)
  if (parsed.success) return { purchase: parsed.data }
  return unreadable(describe(parsed.error), codeOf(parsed.error, content), content)
}

function unreadable(
  message: string,
  code: RefusalCode = 'invalid-message',
  content?: object,
): { unreadable: Unreadable } {
  const known = KnownParts.parse(content ?? {})
  return { unreadable: { code, message, ...JSON.parse(JSON.stringify(known)), content } }
}

const KnownParts = z.object({
  purchaseId: PurchaseId.optional().catch(undefined),
  reference: Reference.optional().catch(undefined),
  mac: AnyMac.optional().catch(undefined),
})

function describe(error: z.ZodError): string {
  return error.issues.map((issue) => `${issue.path.join('.') || 'message'}: ${issue.message}`).join('; ')
}

// Only when nothing else is wrong does a fault have a code of its own: an outcome needs a purchase that can be read.
function codeOf(error: z.ZodError, content: object): RefusalCode {
  const codes = new Set(error.issues.map((issue) => codeOfIssue(issue, content)))
  const order = ['invalid-message', 'invalid-mac', 'unsupported-metric', 'allotment-overflow'] as const
  return order.find((code) => codes.has(code)) ?? 'invalid-message'
}

function codeOfIssue(issue: z.core.$ZodIssue, content: object): RefusalCode {
  const field = issue.path[0]
  const given = typeof field === 'string' ? (content as Record<string, unknown>)[field] : undefined
  if (field === 'mac' && typeof given === 'string') return 'invalid-mac'
  if (field === 'metric' && typeof given === 'string') return 'unsupported-metric'
  if (field === 'allotment' && issue.code === 'too_big') return 'allotment-overflow'
  return 'invalid-message'
}
