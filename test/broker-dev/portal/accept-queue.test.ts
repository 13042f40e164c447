// How many connections come to nothing at a daemon that accepts one a wake-up.
import { describe, expect, it } from 'vitest'
import { createAcceptQueue } from '../../../broker-dev/portal/accept-queue.ts'

/** Each burst arrives while the daemon is at work; between two bursts it accepts until nothing wakes it any more. */
function acceptedAfter(bursts: string[], isWedging = true): string {
  const queue = createAcceptQueue<string>(() => isWedging)
  return bursts
    .map((burst) => {
      for (const caller of burst) queue.wait(caller)
      const accepted: string[] = []
      for (let more = queue.accept(); more.length > 0; more = queue.accept()) {
        accepted.push(...more)
        queue.letIn()
      }
      return accepted.join('')
    })
    .join(' ')
}

describe('a queue that wedges', () => {
  it('accepts those that come one by one', () => {
    expect(acceptedAfter(['a', 'b', 'c'])).toBe('a b c')
  })

  it('stays behind by all but one of those that came together', () => {
    expect(acceptedAfter(['abc', 'd', 'e', 'f'])).toBe('a b c d')
  })

  it('falls further behind with every burst, and never catches up', () => {
    expect(acceptedAfter(['ab', 'cd', 'e', '', 'f'])).toBe('a b c  d')
  })

  it('holds six; whoever waits in connect() gets a place when one is accepted, and wakes the daemon again', () => {
    expect(acceptedAfter(['abcdefgh', 'i'])).toBe('abc d')
  })
})

it('a queue that does not wedge accepts everybody', () => {
  expect(acceptedAfter(['abc', 'd'], false)).toBe('abc d')
})
