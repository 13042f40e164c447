// Proves which gates a portal shuts along with another one, and that nobody else is suspected.
import { describe, expect, test } from 'vitest'
import { gatesAlong } from '../../../agent/portal/prefix-defect.ts'
import { aClient, aList, aMac } from '../../support/builders.ts'

const at = (ip: string, device: number, open = true) =>
  aClient({ mac: aMac(device), ip: `192.168.66.${ip}`, token: `t${device}`, open })
const shut = at('10', 1)
const others = [at('100', 2), at('101', 3), at('109', 4), at('110', 5), at('11', 6), at('1', 7), at('210', 8)]

describe('shutting .10', () => {
  test.each([
    { portal: { kind: 'opennds' as const, version: '9.10.0' }, along: ['100', '101', '109'] },
    { portal: { kind: 'opennds' as const, version: '9.9.1' }, along: ['100', '101', '109'] },
    { portal: { kind: 'opennds' as const }, along: ['100', '101', '109'] },
    { portal: { kind: 'opennds' as const, version: '10.3.1' }, along: [] },
    { portal: { kind: 'nodogsplash' as const, version: '5.0.2' }, along: [] },
  ])('at $portal.kind $portal.version takes along $along', ({ portal, along }) => {
    const taken = gatesAlong(shut, aList([shut, ...others], portal))

    expect(taken.map(({ ip }) => ip)).toEqual(along.map((end) => `192.168.66.${end}`))
  })

  test.each(['nodogsplash', 'opennds'] as const)('at %s takes along another device at that IP', (kind) => {
    expect(gatesAlong(shut, aList([shut, at('10', 2)], { kind, version: '10.3.1' }))).toMatchObject([{ mac: aMac(2) }])
  })

  test.each([
    { is: 'the entry itself', list: [shut] },
    { is: 'a gate that is shut', list: [at('101', 2, false)] },
  ])('takes along nothing that is $is', ({ list }) => {
    expect(gatesAlong(shut, aList(list, { kind: 'opennds', version: '9.10.0' }))).toEqual([])
  })
})
