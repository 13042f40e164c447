// A purchase on `router/<id>/purchase`: what was paid, or a direct grant; and how it is read from the wire.
import * as z from 'zod'
import { parseJson } from './json.ts'
import {
  Amount,
  Count,
  Deadline,
  DeviceMac,
  type Mac,
  Metric,
  type PaidInVain,
  PurchaseId,
  Reference,
  significantDigits,
} from './values.ts'
import { faultsInWords } from './words.ts'

export { largestMessageBytes } from './json.ts'

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
  mac: DeviceMac,
  reference: Reference.optional(),
  notAfter: Deadline.optional(),
  /** Milliseconds of the agent's running time: a session that has not opened by then ends as `abandoned`. */
  startWithin: Count.optional(),
}

/**
 * A payment, priced by the router's own price list. `metric`, when given, must be the one the router sells;
 * `source` picks among prices of one unit.
 */
export const PaidPurchase = z.object({
  ...common,
  amount: Amount,
  unit: z.string().min(1).max(64),
  source: z.string().min(1).max(256).optional(),
  metric: Metric.optional(),
  allotment: z.never().optional(),
})

/** An amount of bytes or milliseconds, priced by the backend. */
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
  /** The id as it was sent, cut, where it is no valid one. */
  sentId?: string
  reference?: string
  mac?: Mac
  paid?: PaidInVain
  /** The message as parsed JSON, for telling a repetition from another message under the same id. */
  content?: unknown
}

/**
 * Reads a payload from the purchase topic; a payload that is no purchase comes back as a refusal, never as a throw.
 * `bytes`: how long the message was, where the payload is only its beginning.
 */
export function parsePurchase(
  payload: Uint8Array,
  bytes: number = payload.byteLength,
): { purchase: Purchase } | { unreadable: Unreadable } {
  const read = parseJson(payload, bytes, 'one purchase as a JSON object')
  if ('fault' in read) return unreadable(read.fault)
  const { content, text } = read
  const isPaid = 'amount' in content || 'unit' in content
  if (!isPaid && !('metric' in content) && !('allotment' in content)) {
    return unreadable(`it is not said what was bought: ${eitherOr}`, 'invalid-message', content)
  }
  if (isPaid && 'allotment' in content) {
    return unreadable(`both a payment and an allotment are given: ${eitherOr}`, 'invalid-message', content)
  }
  const parsed = (isPaid ? PaidPurchase : DirectGrant).safeParse(content)
  if (!parsed.success) return unreadable(faultsInWords(parsed.error, content), codeOf(parsed.error, content), content)
  if ('amount' in parsed.data && hasLostDigits(text, parsed.data.amount)) {
    return unreadable(`amount has more digits than a router counts: give at most 15`, 'invalid-message', content)
  }
  return { purchase: parsed.data }
}

const eitherOr = 'give amount and unit, or metric and allotment'

// JSON numbers may have more digits than floating point keeps: the text itself tells.
function hasLostDigits(text: string, amount: number): boolean {
  const written = [...text.matchAll(/"amount"\s*:\s*(-?[0-9][0-9.eE+-]*)/g)].map(([, number = '']) => number)
  return written.some((number) => Number(number) === amount && significantDigits(number) > 15)
}

function unreadable(
  message: string,
  code: RefusalCode = 'invalid-message',
  content?: object,
): { unreadable: Unreadable } {
  const { amount, unit, source, ...known } = KnownParts.parse(content ?? {})
  const paid = amount !== undefined && unit !== undefined ? { amount, unit, source } : undefined
  const sentId = known.purchaseId === undefined ? sentIdOf(content) : undefined
  return { unreadable: { code, message, ...JSON.parse(JSON.stringify({ ...known, sentId, paid })), content } }
}

const mostOfAnId = 128

/** The id as it was sent, cut, where the message has one. */
export function sentIdOf(content?: object): string | undefined {
  const { purchaseId } = (content ?? {}) as { purchaseId?: unknown }
  if (purchaseId === undefined || purchaseId === null) return undefined
  return (typeof purchaseId === 'string' ? purchaseId : JSON.stringify(purchaseId)).slice(0, mostOfAnId)
}

const KnownParts = z.object({
  purchaseId: PurchaseId.optional().catch(undefined),
  reference: Reference.optional().catch(undefined),
  mac: DeviceMac.optional().catch(undefined),
  amount: Amount.optional().catch(undefined),
  unit: z.string().min(1).max(64).optional().catch(undefined),
  source: z.string().min(1).max(256).optional().catch(undefined),
})

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
