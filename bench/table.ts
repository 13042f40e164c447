// The results as a table for the terminal and, with the same columns, for a document.
import prettyBytes from 'pretty-bytes'
import { isMet, type Row, ratioOf, type Unit } from './figure.ts'
import type { Measured } from './results.ts'

const columns = ['figure', '', 'ours', 'against', '', 'ratio', 'goal', 'met']

export function tableOf(measured: readonly Measured[]): string {
  const lines = [columns, ...measured.flatMap(linesOf)]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

export function markdownOf(measured: readonly Measured[]): string {
  const lines = [columns, columns.map(() => '---'), ...measured.flatMap(linesOf)]
  return lines.map((line) => `| ${line.join(' | ')} |`).join('\n')
}

function linesOf({ name, skipped, failed, rows }: Measured): string[][] {
  if (skipped !== undefined) return [[name, `skipped: ${skipped}`, '', '', '', '', '', '']]
  if (failed !== undefined) return [[name, `failed: ${failed}`, '', '', '', '', '', 'no']]
  return rows.map((row, index) => [index === 0 ? name : '', ...cellsOf(row)])
}

function cellsOf(row: Row): string[] {
  const { what, unit, ours, against, goal } = row
  const met = isMet(row)
  return [
    what,
    inUnit(ours, unit),
    against.name,
    inUnit(against.value, unit),
    rounded(ratioOf(row)),
    goal === undefined ? '' : 'atMost' in goal ? `<= ${rounded(goal.atMost)}` : `>= ${rounded(goal.atLeast)}`,
    met === undefined ? '' : met ? 'yes' : 'no',
  ]
}

function inUnit(value: number, unit: Unit): string {
  return unit === 'bytes' ? prettyBytes(value) : `${rounded(value)} ${unit}`
}

const rounded = (value: number): string =>
  value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)))
