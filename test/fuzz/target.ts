// A target of hostile inputs: a parser, the inputs that it should be fed with, and what must hold of its answer to each.

export interface Target {
  name: string
  /** Sound inputs, which hostile ones are made of. Each has to be read, too. */
  samples: readonly Uint8Array[]
  /** Throws where a promise is broken. */
  check(input: Uint8Array): void | Promise<void>
}

export const textsOf = (...texts: string[]): Uint8Array[] => texts.map((text) => new TextEncoder().encode(text))

export const jsonsOf = (...values: unknown[]): Uint8Array[] => textsOf(...values.map((value) => JSON.stringify(value)))

export function promise(isKept: boolean, what: string): void {
  if (!isKept) throw new Error(`broken: ${what}`)
}

/** Throws what was thrown, unless it is one of these. */
export function throwsOnly<T>(work: () => T, ...kinds: (new (...args: never[]) => Error)[]): T | undefined {
  try {
    return work()
  } catch (err) {
    if (kinds.some((kind) => err instanceof kind)) return undefined
    throw err
  }
}
