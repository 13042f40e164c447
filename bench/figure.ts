// A figure: rows that set ours against a floor or a peer measured in the same run, and the goal for the ratio.

export interface Figure {
  /** Its name for `--only`. */
  name: string
  /** One line for people. */
  about: string
  /** The program that is missing on this machine, and how to get it; undefined when nothing is. */
  missing?(): string | undefined
  measure(stage: Stage): Promise<Row[]>
}

export interface Row {
  what: string
  unit: Unit
  ours: number
  against: { name: string; value: number }
  /** Where the ratio of ours to the other is to be; a row without one is only stated. */
  goal?: { atMost: number } | { atLeast: number }
  note?: string
}

export type Unit = 'ms' | 'bytes' | 'runs' | 'looks' | 'reports' | 'routers' | 'events/s'

/** Handed to every figure: where to say how far it is, and who tidies up after it. */
export interface Stage {
  say(progress: string): void
  /** Done when the figure is over, also when it failed; the newest first. */
  afterwards(undo: () => unknown): void
}

export const ratioOf = ({ ours, against }: Row): number => ours / against.value

/** Undefined where there is no goal. */
export function isMet(row: Row): boolean | undefined {
  if (!row.goal) return undefined
  return 'atMost' in row.goal ? ratioOf(row) <= row.goal.atMost : ratioOf(row) >= row.goal.atLeast
}
