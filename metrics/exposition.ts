// The text of metrics: families of samples as Prometheus reads them, in its classic format or as OpenMetrics.

export type Format = 'classic' | 'openmetrics'

export interface Family {
  /** Without `_total`, which a counter's samples get. */
  name: string
  type: 'gauge' | 'counter' | 'histogram'
  help: string
  /** Made as they are written: a large fleet has tens of thousands. */
  samples: Iterable<Sample>
}

/** `labels`: as {@link labelled} writes them. A sum beyond 2^53, or one of money, is given as a bigint or as text. */
export interface Sample {
  labels: string
  value: number | bigint | string
  suffix?: '_bucket' | '_sum' | '_count'
}

export const contentTypes = {
  classic: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const satisfies Record<Format, string>

/** The format that a scraper asks for. */
export function formatFor(accept: string | undefined): Format {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'classic'
}

/** The text, a family at a time, so that no more of it than that is in memory. Families without samples are left out. */
export function* exposed(families: Iterable<Family>, format: Format): Generator<string> {
  for (const family of families) {
    const text = textOf(family, format)
    if (text !== '') yield text
  }
  if (format === 'openmetrics') yield '# EOF\n'
}

function textOf({ name, type, help, samples }: Family, format: Format): string {
  const sampled = type === 'counter' ? `${name}_total` : name
  const declared = format === 'classic' ? sampled : name
  let text = ''
  for (const { labels, value, suffix = '' } of samples) {
    text += labels === '' ? `${sampled}${suffix} ${value}\n` : `${sampled}${suffix}{${labels}} ${value}\n`
  }
  return text && `# HELP ${declared} ${escapedHelp(help, format)}\n# TYPE ${declared} ${type}\n${text}`
}

/** Labels with their values, in the order given; those without a value are left out. */
export function labelled(labels: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === undefined ? [] : `${name}="${escaped(value)}"`))
    .join(',')
}

function escaped(text: string): string {
  if (!/["\\\n]/.test(text)) return text
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}

function escapedHelp(text: string, format: Format): string {
  return format === 'openmetrics' ? escaped(text) : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}
