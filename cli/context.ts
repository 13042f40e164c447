// The context of a command: its terminal, the options that all share, and a fleet for as long as it runs.
import { connectFleet, type Fleet, type FleetOptions, memoryStore, type SigningKeys } from '../client/index.ts'
import type { Terminal } from './terminal.ts'

export interface Context {
  terminal: Terminal
  options: SharedOptions
  /** Aborts when somebody wants it to end. */
  end: AbortSignal
}

export interface SharedOptions {
  url: string
  username?: string
  password?: string
  passwordFile?: string
  ca?: string
  cert?: string
  key?: string
  /** Private keys, for routers that ask for signatures. */
  signing?: SigningKeys
  prefix?: string
  mqtt?: '4' | '5'
}

// A person waits for the answer.
const patience = 2000

/** The purchases of a command line are watched by the person who makes them: nothing is kept. */
export async function withFleet<T>(
  context: Context,
  use: (fleet: Fleet) => Promise<T>,
  more: Pick<FleetOptions, 'within' | 'keepReports'> = {},
): Promise<T> {
  const fleet = await connectFleet({
    ...fleetOptionsOf(context.options),
    store: memoryStore(),
    signal: context.end,
    within: patience,
    // A lost connection comes back by itself; a file that cannot be used waits for a person.
    onWarning: ({ code, message }) => code === 'invalid-argument' && context.terminal.complain(message),
    ...more,
  })
  try {
    return await use(fleet)
  } finally {
    await fleet.close()
  }
}

export function fleetOptionsOf({ mqtt, ...options }: SharedOptions): FleetOptions {
  return { ...options, ...(mqtt && { mqttVersion: mqtt === '5' ? 5 : 4 }) }
}
