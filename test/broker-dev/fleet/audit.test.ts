// Proves that the audit of the wire finds what does not add up, and nothing else.
import { describe, expect, it, test } from 'vitest'
import { createAudit } from '../../../broker-dev/fleet/audit.ts'
import type { Status, UsageMessage } from '../../../protocol/index.ts'
import { accepted, agentStarted, aSession, ended, r1, started, status, usage } from '../../support/messages.ts'

function audited(messages: UsageMessage[], said: Status = status(0)) {
  const audit = createAudit()
  for (const message of messages) audit.seeUsage(message)
  audit.seeStatus(said)
  return audit.report()[0]
}

const oneSoldAndUsed = [agentStarted(1), accepted(2, { purchaseId: 'p1' }), started(3), ended(4)]

describe('the audit', () => {
  it('finds nothing wrong with a session sold and used up', () => {
    expect(audited(oneSoldAndUsed, status(4, { sold: 1000, used: 1000 }))).toMatchObject({
      started: 1,
      ended: 1,
      books: { bytes: { sold: 1000, used: 1000, remaining: 0, unused: 0, difference: 0 } },
      problems: [],
    })
  })

  it('counts what an open session has left', () => {
    const open = usage(3, [aSession({ used: { bytes: 400 } })])
    expect(audited([...oneSoldAndUsed.slice(0, 3), open], status(2, { sold: 1000, remaining: 1000 }))).toMatchObject({
      books: { bytes: { sold: 1000, used: 400, remaining: 600, difference: 0 } },
      problems: [],
    })
  })

  it('takes no notice of an event that comes twice', () => {
    const twice = [...oneSoldAndUsed, ...oneSoldAndUsed]
    expect(audited(twice, status(4, { sold: 1000, used: 1000 }))?.problems).toEqual([])
  })

  it('does not sell a repeated answer', () => {
    const { seq: _, ...again } = accepted(2, { purchaseId: 'p1', duplicate: true, ofSeq: 2 })
    expect(audited([...oneSoldAndUsed, again])?.books.bytes.sold).toBe(1000)
  })

  it('believes an old status about the events up to its own', () => {
    expect(audited(oneSoldAndUsed, status(2, { sold: 1000, remaining: 1000 }))?.problems).toEqual([])
  })

  it('lets a report that overtook its events wait for them', () => {
    const audit = createAudit()
    audit.seeUsage(usage(2, [aSession()]))
    expect(audit.isComplete(r1)).toBe(false)
    for (const event of oneSoldAndUsed) audit.seeUsage(event)
    expect(audit.isComplete(r1)).toBe(true)
  })

  it('counts what was sold before the first event that it saw as carried over', () => {
    const audit = createAudit()
    audit.seeStatus(status(7, { sold: 3000, used: 2000, remaining: 1000 }))
    audit.seeUsage(usage(7, [aSession()]))
    audit.seeUsage(agentStarted(8))
    audit.seeUsage(ended(9))
    audit.seeStatus(status(9, { sold: 3000, used: 3000 }))
    expect(audit.report()[0]).toMatchObject({ books: { bytes: { sold: 1000, used: 1000 } }, problems: [] })
  })

  const used900 = { purchases: [{ purchaseId: 'p1', metric: 'bytes', allotment: 1000, used: 900, unused: 0 }] } as const
  test.each([
    {
      when: 'an event is missing',
      messages: [agentStarted(1), accepted(2), ended(4)],
      said: status(2, { sold: 1000, remaining: 1000 }),
      problem: 'seq gap: 4 came after 2',
    },
    {
      when: 'a session ends with more used and unused than it was sold',
      messages: [agentStarted(1), accepted(2), ended(3, { purchases: [...used900.purchases, ...used900.purchases] })],
      said: status(2, { sold: 1000, remaining: 1000 }),
      problem: 'session s1 holds 2000 bytes, sold were 1000',
    },
    {
      when: 'bytes disappear',
      messages: [agentStarted(1), accepted(2), ended(3, { purchases: [...used900.purchases] })],
      said: status(2, { sold: 1000, remaining: 1000 }),
      problem: 'bytes: sold and not accounted for: 100',
    },
    {
      when: 'the status says something else than the events',
      messages: oneSoldAndUsed,
      said: status(4, { sold: 2000, used: 2000 }),
      problem: 'bytes: the status says sold 2000, the events 1000',
    },
    {
      when: 'the status itself does not add up',
      messages: oneSoldAndUsed,
      said: status(4, { sold: 1000, used: 1000, difference: 7 }),
      problem: 'bytes: the status itself shows a difference of 7',
    },
    {
      when: 'events that the status speaks of never come',
      messages: oneSoldAndUsed,
      said: status(9, { sold: 1000, used: 1000 }),
      problem: 'seq 9 exists, 4 is the last one that came',
    },
    {
      when: 'a session is left that holds more than it was sold',
      messages: [agentStarted(1), accepted(2), usage(2, [aSession({ allotment: { bytes: 5000 } })])],
      said: status(2, { sold: 1000, remaining: 1000 }),
      problem: 'session s1 holds 5000 bytes, sold were 1000',
    },
  ])('names what is wrong when $when', ({ messages, said, problem }) => {
    expect(audited(messages, said)?.problems).toContain(problem)
  })
})
