// Where the fleet is shown: a table drawn over itself on a terminal, plain lines of events anywhere else.
import type { Event } from '../../protocol/index.ts'
import type { FleetView } from './fleet-view.ts'
import { eventLine, renderTable } from './table.ts'

/** As much of `process.stdout` as the screen needs. */
export interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  rows?: number
}

export interface Screen {
  show(fleet: FleetView): void
  event(event: Event, now: number): void
}

export function createScreen(output: Output): Screen {
  return output.isTTY ? createTable(output) : createPlainLines(output)
}

function createTable(output: Output): Screen {
  let drawn = 0
  function show(fleet: FleetView): void {
    // A table higher than the terminal could not be drawn over.
    const lines = renderTable(fleet, output.columns ?? 80, (output.rows ?? 24) - 1).split('\n')
    output.write(`${drawn > 0 ? `\x1b[${drawn}A` : ''}\x1b[0J${lines.join('\n')}\n`)
    drawn = lines.length
  }
  return { show, event: () => {} }
}

function createPlainLines(output: Output): Screen {
  let second = 0
  let lines = 0
  let hidden = 0
  function event(what: Event, now: number): void {
    if (Math.floor(now / 1000) !== second) {
      if (hidden > 0) output.write(`          … and ${hidden} more\n`)
      second = Math.floor(now / 1000)
      lines = hidden = 0
    }
    if (lines >= linesPerSecond) hidden++
    else output.write(`${eventLine(what)}\n`)
    lines++
  }
  return { show: () => {}, event }
}

const linesPerSecond = 12
