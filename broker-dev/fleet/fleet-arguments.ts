// The arguments of `npm start --`, and what is wrong with them.
import { parseArgs } from 'node:util'
import * as z from 'zod'

const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .refine((text) => /^\d+$/.test(text) && Number(text) >= least && Number(text) <= most, {
      error: `give a whole number from ${least} to ${most}`,
    })
    .transform(Number)

const isPositive = (most: number) => (text: string) => Number(text) > 0 && Number(text) <= most
const positiveNumber = z
  .string()
  .refine(isPositive(1000), { error: 'give a number above 0, at most 1000' })
  .transform(Number)

const FleetOptions = z
  .object({
    routers: wholeNumber(1, 250).default(3),
    devices: wholeNumber(0, 200).default(5),
    flavour: z
      .enum(['mixed', 'nodogsplash', 'opennds', 'opennds-10'], {
        error: 'give mixed, nodogsplash, opennds or opennds-10',
      })
      .default('mixed'),
    speed: positiveNumber.default(1),
    seed: wholeNumber(0, 2 ** 32 - 1).default(1),
    for: positiveSeconds().optional(),
    external: z.boolean().default(false),
    realistic: z.boolean().default(false),
    secure: z.boolean().default(false),
    port: wholeNumber(0, 65535).optional(),
    'page-port': wholeNumber(0, 65535).optional(),
    state: z.string().min(1, { error: 'give a folder' }).optional(),
    json: z.boolean().default(false),
  })
  .refine(({ external, speed }) => !external || speed === 1, {
    path: ['speed'],
    error: 'agents of their own process keep the real time: leave out --external or --speed',
  })
export type FleetOptions = z.infer<typeof FleetOptions>

export function parseFleetArguments(args: string[]): { options: FleetOptions } | { help: true } | { problem: string } {
  let values: Record<string, unknown>
  try {
    values = parseArgs({ args, options: flags, strict: true, allowPositionals: false }).values
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) }
  }
  if (values.help) return { help: true }
  const parsed = FleetOptions.safeParse(values)
  if (parsed.success) return { options: parsed.data }
  return { problem: parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('\n') }
}

export const fleetHelp = `A simulated fleet: broker, backend, routers with mock portals and real agents, customers.

  npm start -- [options]

  --routers N        routers, from 1 to 250 (3)
  --devices N        customers' devices on each router, from 0 to 200 (5)
  --flavour NAME     mixed, nodogsplash, opennds or opennds-10 (mixed)
  --speed N          how many times faster than real time the routers and customers live, at most 1000 (1)
  --seed N           the same seed makes the same customers (1)
  --for SECONDS      end by itself so long after everybody is on line, check the books and exit 0 or 1; without it Ctrl-C does the same
  --external         every agent in a process of its own, with the mock ndsctl as an executable
  --realistic        portals that take as long as the real ones, and whose accept queues fall behind as theirs do
  --secure           everybody has an account of its own, and the broker lets nobody do more than that allows
  --port N           the broker's port; without it 1883, or a free one if that is taken
  --page-port N      the page's port; without it 8081, or a free one if that is taken
  --state DIR        keep the agents' journals and logs there instead of in a fresh temporary folder, which goes at a good end
  --json             nothing but the summary, as one JSON document; with \`npm start --silent --\`, which keeps npm quiet too
  --help             this

In a terminal a key puts a fault into a router; ? explains the keys, q quits.
Exit code: 0 when every purchase has an outcome and all books add up, 1 when not, 2 for wrong arguments.
`

const text = { type: 'string' } as const
const flags = {
  ...{ routers: text, devices: text, flavour: text, speed: text, seed: text, for: text, port: text, state: text },
  'page-port': text,
  external: { type: 'boolean' },
  realistic: { type: 'boolean' },
  secure: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

function positiveSeconds() {
  return z.string().refine(isPositive(1e9), { error: 'give a number of seconds above 0' }).transform(Number)
}
