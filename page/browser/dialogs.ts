// Which dialog is open, and about what.
import { signal } from '@preact/signals'

export type Asked =
  | { kind: 'buy'; router: string; mac?: string }
  | { kind: 'move'; router: string; mac: string }
  | { kind: 'end'; router: string; mac: string; sessionId: string }
  | { kind: 'help' }

export const isAskedFor = signal<Asked | undefined>(undefined)

export function closeDialog(): void {
  isAskedFor.value = undefined
}

/** One line at the bottom about what was done, or why not. */
export const notice = signal<{ text: string; isBad: boolean } | undefined>(undefined)

let fading: ReturnType<typeof setTimeout> | undefined
const shownFor = 8000

export function say(text: string, isBad = false): void {
  notice.value = { text, isBad }
  clearTimeout(fading)
  fading = setTimeout(() => {
    notice.value = undefined
  }, shownFor)
}
