// Proves that an open gate that lets nothing through is told from an idle device, as far as the counters allow.
import { describe, expect, it, test } from 'vitest'
import { findBlocked } from '../../../agent/lookout/silent-gates.ts'
import { aBooks, aClient, aList, aMac, aNow, anOpenSession } from '../../support/builders.ts'

const books = aBooks({ sessions: [anOpenSession()] })
type Reading = [seconds: number, downloaded: number, uploaded: number, token?: string]

/** The readings at which the gate was found blocked, in seconds. */
function foundAt(readings: Reading[], kind: 'nodogsplash' | 'opennds' = 'nodogsplash'): number[] {
  let flows: ReturnType<typeof findBlocked>['flows'] = new Map()
  return readings.flatMap(([seconds, downloaded, uploaded, token = 't1']) => {
    const list = aList([aClient({ downloaded, uploaded, token })], { kind })
    const found = findBlocked(flows, books, list, aNow({ at: seconds * 1000 }))
    flows = found.flows
    return found.blocked.length > 0 ? [seconds] : []
  })
}

describe('an open gate is found blocked', () => {
  test.each<{ when: string; readings: Reading[]; at: number[]; kind?: 'opennds' }>([
    {
      when: 'nothing ever came down though it sent for 30 s',
      readings: [
        [0, 0, 0],
        [30, 0, 4096],
      ],
      at: [30],
    },
    {
      when: 'the same at openNDS',
      readings: [
        [0, 0, 0],
        [30, 0, 4096],
      ],
      at: [30],
      kind: 'opennds',
    },
    {
      when: 'nothing comes down any more though it sends a lot',
      readings: [
        [0, 9000, 50],
        [30, 9000, 65_586],
      ],
      at: [30],
    },
    {
      when: 'opening it again did not help, five minutes later',
      readings: [
        [0, 0, 0],
        [30, 0, 5000],
        [31, 0, 0, 't2'],
        [61, 0, 5000, 't2'],
        [329, 0, 9000, 't2'],
        [330, 0, 9000, 't2'],
      ],
      at: [30, 330],
    },
    {
      when: 'it was blocked before, let through, and is blocked again',
      readings: [
        [0, 0, 0],
        [30, 0, 5000],
        [31, 0, 0, 't2'],
        [40, 7000, 900, 't2'],
        [50, 0, 0, 't3'],
        [80, 0, 5000, 't3'],
      ],
      at: [30, 80],
    },
  ])('when $when', ({ readings, at, kind }) => {
    expect(foundAt(readings, kind)).toEqual(at)
  })

  test.each<{ when: string; readings: Reading[]; kind?: 'opennds' }>([
    {
      when: 'the device is idle',
      readings: [
        [0, 0, 0],
        [600, 0, 4095],
      ],
    },
    {
      when: 'it sent for a moment only',
      readings: [
        [0, 0, 0],
        [29, 0, 1e6],
      ],
    },
    {
      when: 'something came down',
      readings: [
        [0, 0, 0],
        [20, 1000, 5000],
        [40, 1000, 10_000],
      ],
    },
    {
      when: 'a stream goes up at openNDS',
      readings: [
        [0, 9000, 0],
        [60, 9000, 1e7],
      ],
      kind: 'opennds',
    },
    {
      when: 'it was opened anew',
      readings: [
        [0, 0, 0],
        [30, 0, 5000, 't2'],
      ],
    },
  ])('not when $when', ({ readings, kind }) => {
    expect(foundAt(readings, kind)).toEqual([])
  })
})

describe('findBlocked', () => {
  const first = findBlocked(new Map(), books, aList([aClient()]), aNow())

  it('keeps what it knows of a device that the answer does not tell of', () => {
    const partly = aList([], { kind: 'opennds', only: new Set([aMac(2)]) })

    expect(findBlocked(first.flows, books, partly, aNow()).flows).toEqual(first.flows)
  })

  test.each([
    { what: 'a session that has ended', of: aBooks(), clients: [aClient()] },
    { what: 'a gate that was shut', of: books, clients: [aClient({ open: false })] },
  ])('forgets $what', ({ of, clients }) => {
    expect(findBlocked(first.flows, of, aList(clients), aNow()).flows.size).toBe(0)
  })
})
