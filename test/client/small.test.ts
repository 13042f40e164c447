// Proves the client's small decisions: cursors, partitions, silence, queues.
import { describe, expect, it, test } from 'vitest'
import { positionsOf } from '../../client/cursor.ts'
import { viewOf } from '../../client/liveness.ts'
import { isInPartition } from '../../client/partition.ts'
import { createQueue } from '../../client/queue.ts'
import { r1, status } from '../support/messages.ts'

describe('a cursor', () => {
  it('is a snapshot, saved as text and read again from text or its JSON', () => {
    const first = positionsOf().with('r1', { epoch: 'e', seq: 1 })
    const second = first.with('r2', { epoch: 'f', seq: 7 }).with('r1', { epoch: 'e', seq: 2 })
    expect(first.get('r1')?.seq).toBe(1)
    expect(positionsOf(second.toString()).toString()).toBe(second.toString())
    expect(positionsOf(JSON.parse(second.toString())).get('r2')).toEqual({ epoch: 'f', seq: 7 })
  })

  test.each(['nonsense', '{}', '{"version":2,"routers":{}}', '{"version":1,"routers":{"r1":{"seq":1}}}', '[]', 'null'])(
    'of something else is refused: %s',
    (text) => {
      expect(() => positionsOf(text)).toThrow(expect.objectContaining({ code: 'invalid-argument' }))
    },
  )
})

it('a router belongs to one partition, and the hash is the CRC-32 that every language has', () => {
  const ids = Array.from({ length: 300 }, (_, index) => `cafe-${index}`)
  const shares = [0, 1, 2].map((index) => ids.filter((id) => isInPartition(id, { index, of: 3 })))
  expect(shares.flat().sort()).toEqual([...ids].sort())
  for (const share of shares) expect(share.length).toBeGreaterThan(60)
  // zlib.crc32(b"r1") in Python.
  expect(isInPartition('r1', { index: 219_023_793 % 7, of: 7 })).toBe(true)
})

test.each([
  { heardAgo: 29_000, state: 'online' },
  { heardAgo: 31_000, state: 'silent' },
])('a router that is online and was heard $heardAgo ms ago is $state', ({ heardAgo, state }) => {
  expect(viewOf(r1, { status: status(1), heardAt: 0 }, heardAgo).state).toBe(state)
})

it('a router that says it is off line is not silent, and one that never said anything unknown', () => {
  const offline = { ...status(1), state: 'offline' as const }
  expect(viewOf(r1, { status: offline, heardAt: 0 }, 1e6).state).toBe('offline')
  expect(viewOf(r1, { heardAt: 0 }, 0).state).toBe('unknown')
})

describe('a queue', () => {
  it('lets who adds wait while it is full', async () => {
    const queue = createQueue<number>(2)
    let added = false
    const adding = queue.add([1, 2, 3]).then(() => {
      added = true
    })
    expect(await queue.next()).toBe(1)
    await Promise.resolve()
    expect(added).toBe(false)
    expect(await queue.next()).toBe(2)
    await adding
    expect(queue.isFull).toBe(false)
  })

  it('ends for who waits', async () => {
    const queue = createQueue<number>(2)
    const next = queue.next()
    queue.end()
    expect(await next).toBeUndefined()
  })
})
