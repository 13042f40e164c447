// The surroundings of a command line: its output, its environment and its end.
import type { Output } from './terminal.ts'

export interface Surroundings {
  output: Output
  env: Readonly<Record<string, string | undefined>>
  /** Aborts when somebody wants it to end. */
  end: AbortSignal
  /** Where the built page is. */
  pageFolder: string
}
