// How both daemons write times, rates and blocks of text in what people read.

/** `Sun Nov 22 11:09:59 2026`, in UTC. */
export function dateText(seconds: number): string {
  const [weekday, day, month, year, time] = new Date(seconds * 1000).toUTCString().replace(',', '').split(' ')
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`
}

/** `2h 0m 0s`: the largest unit that is not 0, and all below it. */
export function durationText(seconds: number): string {
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [Math.floor(seconds) % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  return parts
    .slice(first < 0 ? -1 : first)
    .map(([count, unit]) => `${count}${unit}`)
    .join(' ')
}

/** The average in kbit/s of 1000 bits; 0.00 over no time. */
export function rateText(bytes: number, seconds: number): string {
  return (seconds > 0 ? bytes / 125 / seconds : 0).toFixed(2)
}

export function linesText(lines: string[]): string {
  return `${lines.join('\n')}\n`
}
