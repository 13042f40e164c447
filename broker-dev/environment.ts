// The settings of a development program: read once, and every bad one named by its variable.
import type * as z from 'zod'

/** Ends the program with exit code 2 when a variable is missing or wrong. An empty one counts as not given. */
export function readEnvironment<T>(schema: z.ZodType<T>, variables: Record<string, string | undefined>): T {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  for (const issue of parsed.error.issues) console.error(`${issue.path.join('.')}: ${issue.message}`)
  process.exit(2)
}
