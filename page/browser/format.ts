// Numbers and times as people read them.

const whole = new Intl.NumberFormat('en')
const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

export function count(value: number): string {
  return whole.format(value)
}

/** Three digits that count: `12.3 MB`. */
export function bytes(value: number): string {
  let [rest, index] = [value, 0]
  while (Math.abs(rest) >= 999.5 && index < units.length - 1) {
    rest /= 1000
    index++
  }
  const places = index === 0 || Math.abs(rest) >= 99.95 ? 0 : Math.abs(rest) >= 9.995 ? 1 : 2
  return `${rest.toFixed(places)} ${units[index]}`
}

export function rate(bytesPerSecond: number): string {
  return bytesPerSecond === 0 ? '–' : `${bytes(bytesPerSecond)}/s`
}

/** The two largest parts: `3 h 12 m`. */
export function duration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000)
  if (seconds < 1) return milliseconds > 0 ? `${Math.floor(milliseconds)} ms` : '0 s'
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts
    .slice(first, first + 2)
    .filter(([amount], index) => index === 0 || amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ')
}

export interface Amounts {
  bytes?: number | undefined
  milliseconds?: number | undefined
}

/** `12.3 MB`, `3 m`, or both; a dash without either. */
export function amounts({ bytes: volume, milliseconds }: Amounts): string {
  const parts = [volume ? bytes(volume) : '', milliseconds ? duration(milliseconds) : '']
  return parts.filter((part) => part !== '').join(' + ') || '–'
}

export function amountOf(metric: 'bytes' | 'milliseconds', value: number): string {
  return metric === 'bytes' ? bytes(value) : duration(value)
}

export function money(sums: readonly { unit: string; sum: string }[]): string {
  return sums.map(({ unit, sum }) => `${grouped(sum)} ${unit}`).join(' + ') || '–'
}

/** A decimal of any length with its thousands apart. */
export function grouped(decimal: string): string {
  const [digits = '', fraction] = decimal.split('.')
  const apart = digits.replaceAll(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? apart : `${apart}.${fraction}`
}

/** The time of the day where it was today, otherwise the day as well; of the person who reads. */
export function moment(at: string, today: Date): string {
  const then = new Date(at)
  const time = then.toTimeString().slice(0, 8)
  if (then.toDateString() === today.toDateString()) return time
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())} ${time}`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
