// Proves that the socket transport has its answers from a daemon that wedges while many others ask. How soon is in the bench.
import { expect, it } from 'vitest'
import { askAmongOthers } from '../../support/processes/crowded-portal.ts'

it('is answered again and again, among 40 others at a queue that falls behind', async () => {
  const gaps = await askAmongOthers({ callers: 40, seconds: 2 })

  expect(gaps.length).toBeGreaterThan(1)
})
