// The arguments of `npm run buy --`, and what is wrong with them.
import { parseArgs } from 'node:util'
import { uuidv7 } from 'uuidv7'
import * as z from 'zod'
import { DirectGrant, PaidPurchase, type PurchaseInput, RouterId } from '../protocol/index.ts'

export interface BuyOptions {
  url: string
  routerId: RouterId
  purchase: PurchaseInput
  follow: boolean
}

export function parseBuyArguments(args: string[]): { options: BuyOptions } | { help: true } | { problem: string } {
  let values: Record<string, unknown>
  try {
    values = parseArgs({ args, options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { help: true }
  if (values.amount === undefined && values.allotment === undefined) {
    return { problem: '--amount: give --amount (and --unit), or --metric and --allotment' }
  }
  const parsed = (values.amount === undefined ? GrantOptions : PaidOptions).safeParse(values)
  if (!parsed.success) {
    return { problem: parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n') }
  }
  const { url, router, follow, id, ...rest } = parsed.data
  return { options: { url, routerId: router, follow, purchase: { purchaseId: id, ...rest } } }
}

export const buyHelp = `Buys for one device and tells what comes of it.

  npm run buy -- --router ID --mac MAC --amount N [--unit sat] [options]
  npm run buy -- --router ID --mac MAC --metric bytes|milliseconds --allotment N [options]

  --source TEXT      picks among prices of one unit
  --reference TEXT   your own note, echoed in every event
  --id ID            the purchase id; the same id and content again is sold once
  --follow           on until the session ends
  --url URL          the broker (mqtt://127.0.0.1:1883)
  --help

Exit code: 0 accepted, 1 refused, 2 bad usage, 3 no outcome within 15 s.
`

const typed = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value)
const { mac, reference, source, unit, amount } = PaidPurchase.shape
const common = {
  url: z
    .url({ protocol: /^(mqtts?|wss?)$/, error: 'a URL such as mqtt://127.0.0.1:1883' })
    .default('mqtt://127.0.0.1:1883'),
  router: RouterId,
  mac,
  reference,
  id: PaidPurchase.shape.purchaseId.default(uuidv7),
  follow: z.boolean().default(false),
}
const never = z.undefined({ error: 'either --amount or --allotment' }).optional()
const PaidOptions = z.object({
  ...common,
  amount: z.preprocess(typed, amount),
  unit: unit.default('sat'),
  source,
  metric: PaidPurchase.shape.metric,
  allotment: never,
})
const GrantOptions = z.object({
  ...common,
  metric: DirectGrant.shape.metric,
  allotment: z.preprocess(typed, DirectGrant.shape.allotment),
  unit: never,
})

const text = { type: 'string' } as const
const flags = {
  ...{ url: text, router: text, mac: text, amount: text, unit: text, source: text, metric: text, allotment: text },
  ...{ reference: text, id: text },
  follow: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const
