// Light, dark, or as the system has it; remembered in this browser.
import { effect, signal } from '@preact/signals'

const themes = ['auto', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

const place = 'tollgate-theme'

export const theme = signal<Theme>(themes.find((one) => one === remembered()) ?? 'auto')

effect(() => {
  document.documentElement.dataset.theme = theme.value
  try {
    localStorage.setItem(place, theme.value)
  } catch {
    // A browser that keeps nothing shows it all the same.
  }
})

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto'
}

function remembered(): string | null {
  try {
    return localStorage.getItem(place)
  } catch {
    return null
  }
}
