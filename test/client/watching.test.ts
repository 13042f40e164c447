// Proves that a client that is closed while it waits for stored statuses waits no longer, and keeps nobody else from running.
import { expect, it } from 'vitest'
import { createWatching } from '../../client/watching.ts'
import { fakeLink } from './fakes.ts'

it('a client that is closed while it waits for the routers asks its clock no more', async () => {
  const closing = new AbortController()
  let sleeps = 0
  // A sleep that is cut short returns at once; the time of this clock stands still.
  const clock = {
    now: () => 0,
    async sleep() {
      if (++sleeps === 3) closing.abort()
      if (sleeps > 100) throw new Error('it goes on and on')
    },
  }
  const watching = createWatching({
    link: fakeLink(),
    clock,
    prefix: 'router',
    closed: closing.signal,
    keepReports: false,
  })

  expect(await watching.routers()).toEqual([])
  expect(sleeps).toBe(3)
})
