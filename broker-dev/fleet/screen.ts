// Where the fleet is shown: a screen of its own on a terminal, plain lines of events anywhere else.
import type { Event } from '../../protocol/index.ts'
import { faultLine } from './fault-lines.ts'
import type { Picture } from './picture.ts'
import { eventLine, renderPicture } from './render.ts'
import { painted } from './spans.ts'

/** The part of `process.stdout` that the screen needs. */
export interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  rows?: number
}

export interface Screen {
  show(picture: Picture): void
  event(event: Event, now: number): void
  /** Gives the terminal back as it was. */
  close(): void
}

export function createScreen(output: Output, isColoured: boolean): Screen {
  return output.isTTY ? createTerminal(output, isColoured) : createPlainLines(output)
}

export const silentScreen: Screen = { show: () => {}, event: () => {}, close: () => {} }

// The terminal's second screen: nothing of it comes into the scrollback, and the first one is as it was afterwards.
const secondScreen = '\x1b[?1049h\x1b[?25l'
const firstScreen = '\x1b[?25h\x1b[?1049l'

function createTerminal(output: Output, isColoured: boolean): Screen {
  let isOpen = false

  function show(picture: Picture): void {
    const [width, height] = [output.columns ?? 80, output.rows ?? 24]
    const lines = renderPicture(picture, width, height).map((line) => `${painted(line, isColoured)}\x1b[K`)
    // A line feed after the last line would scroll the header away.
    output.write(`${isOpen ? '' : secondScreen}\x1b[H${lines.join('\r\n')}\x1b[J`)
    isOpen = true
  }

  function close(): void {
    if (isOpen) output.write(firstScreen)
    isOpen = false
  }

  return { show, event: () => {}, close }
}

function createPlainLines(output: Output): Screen {
  let second = 0
  let lines = 0
  let hidden = 0
  let lastFault = 0
  let lastHealed = 0

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

  /** Faults come from elsewhere, such as the page. */
  function show({ faults: { records } }: Picture): void {
    for (const record of records.filter(({ number }) => number > lastFault)) output.write(`${faultLine(record)}\n`)
    for (const { number, healed } of records) {
      if (!healed || number <= lastHealed) continue
      output.write(`${faultLine(healed).replace('FAULT', 'OVER ')}\n`)
      lastHealed = number
    }
    lastFault = records.at(-1)?.number ?? lastFault
  }

  return { show, event, close: () => {} }
}

const linesPerSecond = 12
