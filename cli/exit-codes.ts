// How the program ends: the same for every command.

export const done = 0 as const
/** The router or the rule said no. */
export const refused = 1 as const
/** The command line is wrong. */
export const badUsage = 2 as const
/** Nobody answered: no broker, no router, no outcome in time. */
export const noAnswer = 3 as const

export type ExitCode = 0 | 1 | 2 | 3
