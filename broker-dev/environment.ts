// The settings of a development program: read once, and every bad one named by its variable.
import * as z from 'zod'

/**
 * Ends the program with exit code 2 when a variable is missing or wrong, and with 0 after `--help`. An empty one counts as not
 * given. A variable's description says what it takes.
 */
export function readEnvironment<T extends z.ZodObject>(
  about: string,
  schema: T,
  variables: Record<string, string | undefined>,
  args: readonly string[] = process.argv.slice(2),
): z.infer<T> {
  if (args.includes('--help') || args.includes('-h')) {
    console.log(helpOf(about, schema))
    process.exit(0)
  }
  if (args.length > 0) {
    console.error(`${args.join(' ')}: this program takes its settings from the environment; --help lists them`)
    process.exit(2)
  }
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const wrong = new Set(parsed.error.issues.map((issue) => String(issue.path[0])))
  for (const name of wrong)
    console.error(sentenceOf(name, given[name], z.globalRegistry.get(schema.shape[name])?.description))
  process.exit(2)
}

/** One URL of a broker, or several of a cluster with commas between. */
export const BrokerUrls = z.string().refine((text) => text.split(',').every((url) => URL.canParse(url.trim())))

function sentenceOf(name: string, value: string | undefined, takes = 'another value'): string {
  return value === undefined ? `${name} is not set: it takes ${takes}` : `${name} is ${value}: it takes ${takes}`
}

function helpOf(about: string, { shape }: z.ZodObject): string {
  const lines = Object.entries(shape).map(([name, field]) => {
    const { description = '' } = z.globalRegistry.get(field) ?? {}
    const given = field.safeParse(undefined)
    const usual = given.success && given.data !== undefined ? ` (${given.data})` : ''
    return `  ${name.padEnd(18)} ${description}${usual}`
  })
  return [about, '', 'It takes its settings from the environment:', ...lines].join('\n')
}
