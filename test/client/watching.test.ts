// Proves that a client that is closed while it waits for stored statuses waits no longer, keeps nobody else from running, and may be asked
// by many at a time.
import { expect, it } from 'vitest'
import { createWatching } from '../../client/watching.ts'
import { aClock, fakeLink, settled } from './fakes.ts'

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

it('takes many calls at a time with one signal, and Node says nothing of a leak', async () => {
  const warnings: Error[] = []
  const hear = (warning: Error) => warnings.push(warning)
  process.on('warning', hear)
  const { signal } = new AbortController()
  const link = { ...fakeLink(), subscribe: () => new Promise<never>(() => {}) }
  const closed = new AbortController()
  const watching = createWatching({
    link,
    clock: aClock(),
    prefix: 'router',
    closed: closed.signal,
    keepReports: false,
  })

  for (let call = 0; call < 20; call++) void watching.routers({ signal })
  await settled()
  process.off('warning', hear)
  closed.abort()

  expect(warnings).toEqual([])
})
