// Warnings about the state folder for a person, each once; events that are gone are named by ranges that grow.
export interface Warnings {
  readonly texts: readonly string[]
  add(text: string): void
  /** Events that the broker will never have; `epoch` where it is an earlier one. */
  addRange(why: 'pruned' | 'lost', epoch: string | undefined, from: number, to: number): void
}

interface Range {
  why: 'pruned' | 'lost'
  epoch: string | undefined
  from: number
  to: number
}

const mostRanges = 10
const mostTexts = 20

export function createWarnings(): Warnings {
  const texts: string[] = []
  let ranges: Range[] = []
  return {
    get texts() {
      return [...texts, ...ranges.map(textOf)]
    },
    add(text) {
      if (texts.includes(text)) return
      texts.push(text)
      texts.splice(0, texts.length - mostTexts)
    },
    addRange(why, epoch, from, to) {
      const last = ranges.find((range) => range.why === why && range.epoch === epoch && range.to + 1 === from)
      if (last) last.to = to
      else ranges = [...ranges, { why, epoch, from, to }].slice(-mostRanges)
    },
  }
}

function textOf({ why, epoch, from, to }: Range): string {
  const which = `events ${from} to ${to}${epoch === undefined ? '' : ` of epoch ${epoch}`}`
  if (why === 'pruned') return `${which} were pruned before the broker took them: the journal was full`
  return `${which} cannot be read any more: the broker never had them`
}
