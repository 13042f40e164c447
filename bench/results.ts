// The results with the machine they are from, as a file for programs.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { dirname } from 'node:path'
import prettyBytes from 'pretty-bytes'
import { isMet, type Row, ratioOf } from './figure.ts'

export interface Measured {
  name: string
  about: string
  skipped?: string
  failed?: string
  rows: Row[]
  seconds: number
}

export interface Machine {
  processor: string
  cores: number
  memoryBytes: number
  kernel: string
  node: string
}

export function thisMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.version,
  }
}

export function describe({ processor, cores, memoryBytes, kernel, node }: Machine): string {
  return `${processor}, ${cores} cores, ${prettyBytes(memoryBytes)} of memory, Linux ${kernel}, Node ${node}`
}

export function writeResults(file: string, measured: readonly Measured[], machine: Machine): void {
  const figures = measured.map((figure) => ({
    ...figure,
    rows: figure.rows.map((row) => ({ ...row, ratio: ratioOf(row), met: isMet(row) ?? null })),
  }))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ at: new Date().toISOString(), machine, figures }, null, 2)}\n`)
}
