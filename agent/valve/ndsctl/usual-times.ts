// How long the daemon usually takes: a list of openNDS needs seconds where one client needs milliseconds.

export interface UsualTimes {
  /** For a call of that kind, in milliseconds; 0 when there was none yet. */
  of(args: readonly string[]): number
  /** For its slowest kind of call. */
  readonly slowest: number
  took(args: readonly string[], milliseconds: number): void
}

export function createUsualTimes(): UsualTimes {
  const times = new Map<string, number>()
  const kindOf = (args: readonly string[]) => `${args[0]} ${args.length}`
  return {
    of: (args) => times.get(kindOf(args)) ?? 0,
    get slowest() {
      return Math.max(0, ...times.values())
    },
    took: (args, milliseconds) => times.set(kindOf(args), milliseconds),
  }
}
