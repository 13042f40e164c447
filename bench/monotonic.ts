// The machine's monotonic clock, the same for every process: what happens in two of them can be set against each other.

/** Milliseconds since boot, with their fractions. */
export const monotonic = (): number => Number(process.hrtime.bigint()) / 1e6
