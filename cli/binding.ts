// How a command of the command line comes to its work: with the options that all of them share.
import type { Context, SharedOptions } from './context.ts'
import type { ExitCode } from './exit-codes.ts'

/** The work of a command, with what was given to it. */
export type Work = (context: Context, ...given: never[]) => Promise<ExitCode>
export type Bind = (work: Work) => (shared: Shared, ...given: never[]) => Promise<void>

/** The options in front of every command, as they were given. */
export type Shared = Omit<SharedOptions, 'signing'> & {
  json?: true
  purchaseKey?: string
  commandKey?: string
}
