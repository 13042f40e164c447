// The values every message is made of, each parsed once, where it enters.
import * as z from 'zod'

/** A count of bytes or milliseconds: an integer, 0 to 2^53-1. */
export const Count = z.int().min(0)

/** The unit that is sold and metered: `bytes` (up and down together) or `milliseconds` (while the gate is shown open). */
export const Metric = z.enum(['bytes', 'milliseconds'])
export type Metric = z.infer<typeof Metric>

/** A router's id, 1-64 of `A-Z a-z 0-9 _ -`: one level of an MQTT topic. */
export const RouterId = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, '1 to 64 of A-Z a-z 0-9 _ -')
  .brand('RouterId')
export type RouterId = z.infer<typeof RouterId>

/** A device's MAC address as it stands on the wire: lower case, six pairs, colons. */
export const Mac = z
  .string()
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, 'a MAC address such as ac:e0:10:12:2d:75')
  .brand('Mac')
export type Mac = z.infer<typeof Mac>

// Without flags and back-references: the pattern is published, and not every language's engine has them.
const macSpellings =
  /^([0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{4}(-[0-9A-Fa-f]{4}){2}|[0-9A-Fa-f]{12})$/

/** Every common spelling of a MAC address (`AC-E0-..`, `ace0.1012.2d75`, `ACE010122D75`), read as a {@link Mac}. */
export const AnyMac = z
  .string()
  .trim()
  .regex(macSpellings, 'a MAC address such as ac:e0:10:12:2d:75')
  .transform((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^0-9a-f]/g, '')
      .replaceAll(/..(?=.)/g, '$&:'),
  )
  .pipe(Mac)

/** A moment of the wall clock, RFC 3339 UTC with milliseconds: a label, never the base of a duration. */
export const Timestamp = z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'RFC 3339, UTC, milliseconds')

/** A deadline somebody else writes: RFC 3339 with any offset. */
export const Deadline = z.iso.datetime({ offset: true })

/** The address of one device: neither zero nor broadcast nor multicast. */
export const DeviceMac = AnyMac.refine(
  (mac) => mac !== '00:00:00:00:00:00' && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0,
  'the MAC address of one device, not zero, broadcast or multicast',
)

/** The idempotency key of a purchase: 1-128 ASCII characters from `!` to `~`. */
export const PurchaseId = z.string().regex(/^[!-~]{1,128}$/, '1 to 128 ASCII characters without blanks')

/** The buyer's own note on a purchase, up to 256 characters, echoed in every event about it. */
export const Reference = z.string().max(256)

const mostDigits = 15

/** An amount of money: 0 or more, with at most 15 significant digits, so that floating point keeps all of them. */
export const Amount = z
  .number()
  .min(0)
  .refine((amount) => significantDigits(String(amount)) <= mostDigits, `at most ${mostDigits} significant digits`)

/** How many digits of a number count. */
export function significantDigits(number: string): number {
  const digits = number.replace(/e.*$/i, '').replaceAll(/[^0-9.]/g, '')
  const [whole = '', fraction = ''] = digits.split('.')
  const significant = (fraction === '' ? whole.replace(/0+$/, '') : whole + fraction.replace(/0+$/, '')).replace(
    /^0+/,
    '',
  )
  return Math.max(1, significant.length)
}

/** Amounts per metric; a metric that plays no part is absent. */
export const Amounts = z.object({ bytes: Count.optional(), milliseconds: Count.optional() })
export type Amounts = z.infer<typeof Amounts>

/** One row of a router's price list: so much of `unit` buys one step. `source` narrows it to one issuer (a mint, a bank). */
export const Price = z.object({
  unit: z.string().min(1).max(64),
  pricePerStep: z.number().positive(),
  minSteps: Count.default(1),
  source: z.string().min(1).max(256).optional(),
})
export type Price = z.infer<typeof Price>

/** A router's price list: `allotment = floor(amount / pricePerStep) * stepSize`, in `metric`. */
export const PriceList = z.object({
  metric: Metric,
  stepSize: z.int().min(1),
  prices: z.array(Price).min(1).max(64),
})
export type PriceList = z.infer<typeof PriceList>

/** The payment for a purchase, and how it was priced: `amount = steps × pricePerStep + change`, exactly. */
export const Paid = z.object({
  amount: Amount,
  unit: z.string().min(1).max(64),
  source: z.string().min(1).max(256).optional(),
  pricePerStep: z.number().positive(),
  steps: Count,
  /** The part that bought no step. */
  change: z.number().min(0),
})
export type Paid = z.infer<typeof Paid>

/** The payment for a purchase that was refused. */
export const PaidInVain = Paid.pick({ amount: true, unit: true, source: true })
export type PaidInVain = z.infer<typeof PaidInVain>
