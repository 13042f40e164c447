// Prices: what an amount buys.
import type { Paid, PriceList } from '../../protocol/index.ts'

export type Allotment =
  | { allotment: number; paid: Paid }
  | { code: 'unknown-price' | 'below-minimum' | 'allotment-overflow' }

/** `floor(amount / pricePerStep) * stepSize` at the price for that unit and source (seed: calculateAllotment). */
export function calculateAllotment(
  paid: { amount: number; unit: string; source?: string | undefined },
  { prices, stepSize }: PriceList,
): Allotment {
  const ofUnit = prices.filter((price) => price.unit === paid.unit)
  const price =
    ofUnit.find((candidate) => candidate.source !== undefined && candidate.source === paid.source) ??
    ofUnit.find((candidate) => candidate.source === undefined)
  if (!price) return { code: 'unknown-price' }
  const steps = wholeSteps(paid.amount, price.pricePerStep)
  if (steps < BigInt(Math.max(price.minSteps, 1))) return { code: 'below-minimum' }
  const allotment = steps * BigInt(stepSize)
  if (allotment > BigInt(Number.MAX_SAFE_INTEGER)) return { code: 'allotment-overflow' }
  const { amount, unit, source } = paid
  const { pricePerStep } = price
  const change = changeOf(amount, pricePerStep, steps)
  return {
    allotment: Number(allotment),
    paid: { amount, unit, ...(source !== undefined && { source }), pricePerStep, steps: Number(steps), change },
  }
}

/** The change, which bought no step, exactly: a decimal that is read as the number nearest to it. */
function changeOf(amount: number, pricePerStep: number, steps: bigint): number {
  const [paid, price] = [decimal(amount), decimal(pricePerStep)]
  const scale = Math.max(paid.decimals, price.decimals)
  const rest = scaled(paid, scale) - steps * scaled(price, scale)
  return Number(`${rest}e-${scale}`)
}

// Exact on the decimals a person wrote: 0.3 at 0.1 is three steps, where floating point would sell two.
function wholeSteps(amount: number, pricePerStep: number): bigint {
  const [paid, price] = [decimal(amount), decimal(pricePerStep)]
  const scale = Math.max(paid.decimals, price.decimals)
  return scaled(paid, scale) / scaled(price, scale)
}

function scaled({ digits, decimals }: Decimal, scale: number): bigint {
  return digits * 10n ** BigInt(scale - decimals)
}

interface Decimal {
  digits: bigint
  decimals: number
}

function decimal(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = String(value).split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const decimals = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return decimals >= 0 ? { digits, decimals } : { digits: digits * 10n ** BigInt(-decimals), decimals: 0 }
}
