// Lines of text in colours: cut and wrapped by what is seen of them.
import { styleText } from 'node:util'

export type Colour = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold'

export interface Span {
  text: string
  colour?: Colour
}

export type Line = readonly Span[]

export function lineOf(...parts: readonly (string | Span)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? { text: part } : part))
}

export const inColour = (colour: Colour, text: string): Span => ({ text, colour })

/** All of it in one colour. */
export const allIn = (colour: Colour, line: Line): Line => line.map(({ text }) => ({ text, colour }))

export const widthOf = (line: Line): number => line.reduce((sum, { text }) => sum + text.length, 0)

/** No wider than that; an ellipsis says that something is missing. */
export function cut(line: Line, width: number): Line {
  if (widthOf(line) <= width) return line
  const shown: Span[] = []
  let room = Math.max(0, width - 1)
  for (const span of line) {
    shown.push({ ...span, text: span.text.slice(0, room) })
    room -= Math.min(room, span.text.length)
  }
  return [...shown, { text: '…' }]
}

/** One line broken at blanks into lines of that width; all but the first are indented. */
export function wrap(line: Line, width: number, indent: number): Line[] {
  const lines: Span[][] = [[]]
  let used = 0
  for (const word of wordsOf(line)) {
    const isFull = used + widthOf(word) > width && used > indent
    if (isFull) lines.push([{ text: ' '.repeat(indent) }])
    const shown = isFull ? withoutBlanks(word) : word
    for (const span of shown) add(lines.at(-1) ?? [], { ...span })
    used = (isFull ? indent : used) + widthOf(shown)
  }
  return lines.map((one) => cut(one, width))
}

/** Each with the blanks before it; a word may be in several colours. */
function wordsOf(line: Line): Span[][] {
  const words: Span[][] = []
  for (const { text, ...style } of line) {
    for (const piece of text.match(/ *[^ ]+| +$/g) ?? []) {
      const last = words.at(-1)
      if (last && !piece.startsWith(' ') && !last.at(-1)?.text.endsWith(' ')) last.push({ text: piece, ...style })
      else words.push([{ text: piece, ...style }])
    }
  }
  return words
}

function withoutBlanks([first, ...rest]: readonly Span[]): Line {
  return first ? [{ ...first, text: first.text.trimStart() }, ...rest] : []
}

function add(line: Span[], span: Span): void {
  const last = line.at(-1)
  if (last && last.colour === span.colour) last.text += span.text
  else line.push(span)
}

export function painted(line: Line, isColoured: boolean): string {
  const paint = (text: string, colour: Colour) => styleText(colour, text, { validateStream: false })
  const text = line.map(({ text, colour }) => (colour && isColoured ? paint(text, colour) : text)).join('')
  // Blanks that must not part a line are blanks all the same.
  return (isColoured ? text : text.trimEnd()).replaceAll('\xa0', ' ')
}
