// Where the command line writes, and how: for people with colours where they are wanted, for programs one JSON value a line.
import { styleText } from 'node:util'

export interface Terminal {
  /** For people; nothing where `--json` is given. */
  say(line: string): void
  /** For programs; nothing for people. */
  json(value: unknown): void
  /** As it is; resolves when the reader is ready for more. */
  raw(text: string): Promise<void>
  /** On standard error. */
  complain(line: string): void
  paint(colour: Colour, text: string): string
  readonly isJson: boolean
  readonly width: number
}

export type Colour = 'red' | 'yellow' | 'green' | 'dim' | 'bold'

export interface Output {
  /** `false` when the reader is behind. */
  out(text: string): unknown
  /** Resolves when the reader has caught up. */
  drained?(): Promise<unknown>
  err(text: string): void
  isColoured: boolean
  width: number
}

export function terminalOf(output: Output, isJson: boolean): Terminal {
  return {
    say: (line) => (isJson ? undefined : output.out(`${line}\n`)),
    json: (value) => (isJson ? output.out(`${JSON.stringify(value, bigIntsAsText)}\n`) : undefined),
    async raw(text) {
      if (output.out(text) === false) await output.drained?.()
    },
    complain: (line) => output.err(`${line}\n`),
    paint: (colour, text) => (output.isColoured && !isJson ? styleText(colour, text) : text),
    isJson,
    width: output.width,
  }
}

export function bigIntsAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** Columns as wide as what is in them; the last one is cut at the terminal's width. */
export function columnsOf(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) => {
    const line = row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
    return line.length > width ? `${line.slice(0, width - 1)}…` : line.trimEnd()
  })
}
