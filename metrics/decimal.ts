// Sums of money, exact: decimal numbers added as they are written.

/** The sum as text. Floating point would show 0.1 + 0.2 as another number than was paid. */
export function plus(sum: string, amount: number | string): string {
  const [a, b] = [decimalOf(sum), decimalOf(String(amount))]
  const places = Math.max(a.places, b.places)
  const digits = a.digits * 10n ** BigInt(places - a.places) + b.digits * 10n ** BigInt(places - b.places)
  return written(digits, places)
}

function decimalOf(text: string): { digits: bigint; places: number } {
  const [mantissa = '0', exponent = '0'] = text.split('e')
  const [whole = '0', fraction = ''] = mantissa.split('.')
  const places = fraction.length - Number(exponent)
  const digits = BigInt(whole + fraction)
  return places >= 0 ? { digits, places } : { digits: digits * 10n ** BigInt(-places), places: 0 }
}

function written(digits: bigint, places: number): string {
  const text = String(digits).padStart(places + 1, '0')
  if (places === 0) return text
  const fraction = text.slice(-places).replace(/0+$/, '')
  return fraction === '' ? text.slice(0, -places) : `${text.slice(0, -places)}.${fraction}`
}
