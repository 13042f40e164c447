// The money that bought what was not used, exactly, as a fraction: how it is rounded is the seller's to say.
import type { EventOf } from '../protocol/index.ts'

/** `numerator / denominator` of `unit`, in lowest terms. */
export interface Fraction {
  numerator: bigint
  denominator: bigint
  unit: string
}

export interface Refund {
  purchaseId?: string
  reference?: string
  /** The price of the unused rest, or all that was paid where the purchase was refused. Absent where no money was named. */
  money?: Fraction
  /** Money that bought no step: the seller decides whether it was kept. Absent where it is none. */
  change?: Fraction
  /** In the purchase's metric. */
  unused?: number
  allotment?: number
}

export type Refundable = EventOf<'session.ended' | 'session.settled' | 'purchase.rejected'>

/**
 * One for each purchase of which something was not used, or whose change bought nothing; a session that ends in parts has
 * them in each part.
 */
export function refundOf(event: Refundable): Refund[] {
  if (event.type === 'purchase.rejected') return refundOfRefusal(event)
  return event.purchases
    .filter(({ unused, paid }) => unused > 0 || (paid?.change ?? 0) > 0)
    .map(({ purchaseId, reference, allotment, unused, paid }) => {
      const whole = { purchaseId, ...(reference !== undefined && { reference }), unused, allotment }
      if (!paid) return whole
      const change = times(decimal(paid.change), 1n, 1n, paid.unit)
      // The money paid for steps: the amount without its change.
      const spent = decimal(paid.amount)
      const price = subtract(spent, decimal(paid.change))
      const money = times(price, BigInt(unused), BigInt(allotment || 1), paid.unit)
      return { ...whole, money, ...(change.numerator > 0n && { change }) }
    })
}

// A refusal that is no outcome, or that stands beside another outcome, is not to be paid back: the purchase may be served.
function refundOfRefusal({ purchaseId, reference, paid, final }: EventOf<'purchase.rejected'>): Refund[] {
  if (!final) return []
  const about = { ...(purchaseId !== undefined && { purchaseId }), ...(reference !== undefined && { reference }) }
  return [{ ...about, ...(paid && { money: times(decimal(paid.amount), 1n, 1n, paid.unit) }) }]
}

/** The fraction as a decimal with that many places; which way it is rounded has no default. */
export function roundMoney(
  { numerator, denominator }: Fraction,
  { places, rounding }: { places: number; rounding: 'down' | 'up' | 'nearest' },
): string {
  const scaled = numerator * 10n ** BigInt(places)
  const [floor, rest] = [scaled / denominator, scaled % denominator]
  const isUp = rounding === 'up' ? rest > 0n : rounding === 'nearest' ? rest * 2n >= denominator : false
  const digits = String(isUp ? floor + 1n : floor).padStart(places + 1, '0')
  return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`
}

interface Decimal {
  digits: bigint
  scale: bigint
}

/** The number as it is written: at most 15 digits, so what floating point shows is what was sent. */
function decimal(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const places = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return places >= 0 ? { digits, scale: 10n ** BigInt(places) } : { digits: digits * 10n ** BigInt(-places), scale: 1n }
}

function subtract(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.scale - b.digits * a.scale, scale: a.scale * b.scale }
}

function times({ digits, scale }: Decimal, by: bigint, over: bigint, unit: string): Fraction {
  const [numerator, denominator] = [digits * by, scale * over]
  const divisor = commonDivisor(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor, unit }
}

function commonDivisor(a: bigint, b: bigint): bigint {
  while (b > 0n) [a, b] = [b, a % b]
  return a === 0n ? 1n : a
}
