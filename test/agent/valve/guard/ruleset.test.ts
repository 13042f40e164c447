// Proves that nothing but parsed addresses, hex names and whole numbers gets into a text for nft.
import { expect, it } from 'vitest'
import type { GuardChange } from '../../../../agent/portal/guard-table.ts'
import { baseText, changeText } from '../../../../agent/valve/guard/ruleset.ts'

const sessionId = '019ad1f0-0000-7000-8000-00000000000a'
const quota = { limit: 1, downloaded: 0, uploaded: 0 }

it.each<GuardChange>([
  { do: 'cut', ip: '10.0.0.1 }; flush ruleset' },
  { do: 'assign', ip: '::1', sessionId },
  { do: 'add', sessionId: 's1"; flush ruleset', quota },
  { do: 'limit', sessionId, limit: Number.NaN },
  { do: 'time', ip: '10.0.0.1', until: Number.POSITIVE_INFINITY },
])('$do of something else is no text', (change) => {
  expect(() => changeText([change], 0)).toThrow()
})

it("takes a router's name for a comment, and nothing that ends it", () => {
  expect(baseText('router/r1"; flush ruleset')).toContain('comment "router/r1___flush_ruleset"')
})
