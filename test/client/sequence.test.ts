// Proves that a router's events come out once and in order, whatever was dropped, repeated or overtaken, and that nothing
// is missing in silence.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSequence, type Lost } from '../../client/sequence.ts'

const e = (seq: number, epoch = 'e1') => ({ epoch, seq })
const seqs = (items: object[]) => items.map((item) => ('seq' in item ? item.seq : item))

describe('the order of a router’s events', () => {
  it('delivers what follows, and drops what it had', () => {
    const sequence = createSequence('r1', e(4))
    expect(seqs([5, 5, 4, 6].flatMap((seq) => sequence.take(e(seq))))).toEqual([5, 6])
  })

  it('holds what is ahead and asks for what is missing', () => {
    const sequence = createSequence('r1', e(4))
    expect(sequence.take(e(7))).toEqual([])
    expect(sequence.gap()).toEqual({ epoch: 'e1', fromSeq: 5, toSeq: 6 })
    expect(seqs(sequence.takeReplay({ epoch: 'e1', fromSeq: 5, toSeq: 6 }, [e(5), e(6)], []))).toEqual([5, 6, 7])
    expect(sequence.gap()).toBeUndefined()
  })

  it('begins at the first event of a router that it does not know', () => {
    const sequence = createSequence('r1', undefined)
    expect(sequence.take(e(3))).toEqual([])
    expect(sequence.gap()).toEqual({ epoch: 'e1', fromSeq: 1, toSeq: 2 })
  })

  it('begins with the next event where only news is wanted', () => {
    const sequence = createSequence('r1', undefined, true)
    sequence.learn(e(9))
    expect(sequence.gap()).toBeUndefined()
    expect(seqs(sequence.take(e(12)))).toEqual([12])
    expect(sequence.gap()).toBeUndefined()
  })

  it('asks for the end that a status tells of', () => {
    const sequence = createSequence('r1', e(4))
    sequence.learn(e(6))
    expect(sequence.gap()).toEqual({ epoch: 'e1', fromSeq: 5, toSeq: 6 })
    expect(sequence.isHolding).toBe(false)
  })

  it('names what was pruned, and goes on behind it', () => {
    const sequence = createSequence('r1', e(4))
    sequence.take(e(9))
    const gone = [{ fromSeq: 5, toSeq: 7, why: 'pruned' as const }]
    const lost = { type: 'lost', routerId: 'r1', epoch: 'e1', fromSeq: 5, toSeq: 7, why: 'pruned' }
    expect(seqs(sequence.takeReplay({ epoch: 'e1', fromSeq: 5, toSeq: 8 }, [e(8)], gone))).toEqual([lost, 8, 9])
  })

  it('names a hole in the middle at its place', () => {
    const sequence = createSequence('r1', e(0))
    const gone = [{ fromSeq: 2, toSeq: 2, why: 'damaged' as const }]
    const items = sequence.takeReplay({ epoch: 'e1', fromSeq: 1, toSeq: 3 }, [e(1), e(3)], gone)
    expect(seqs(items)).toEqual([1, expect.objectContaining({ fromSeq: 2, toSeq: 2, why: 'damaged' }), 3])
  })

  it('does not believe that something behind a missing event is lost before it has that', () => {
    const sequence = createSequence('r1', e(0))
    const gone = [{ fromSeq: 3, toSeq: 3, why: 'too-large' as const }]
    expect(seqs(sequence.takeReplay({ epoch: 'e1', fromSeq: 1, toSeq: 4 }, [e(2), e(4)], gone))).toEqual([])
    expect(sequence.gap()).toMatchObject({ fromSeq: 1, toSeq: 1 })
  })
})

describe('another epoch', () => {
  const rest: Lost = { type: 'lost', routerId: 'r1', epoch: 'e1', fromSeq: 5, toSeq: null, why: 'epoch' }

  it('ends the old one, by name', () => {
    const sequence = createSequence('r1', e(4))
    sequence.learn(e(1, 'e2'))
    expect(sequence.take(e(1, 'e2'))).toEqual([rest, e(1, 'e2')])
    expect(sequence.take(e(5))).toEqual([])
  })

  it('does not take away what is here', () => {
    const sequence = createSequence('r1', e(4))
    sequence.take(e(6))
    sequence.take(e(7))
    sequence.learn(e(1, 'e2'))
    expect(sequence.take(e(1, 'e2'))).toEqual([{ ...rest, toSeq: 5 }, e(6), e(7), { ...rest, fromSeq: 8 }, e(1, 'e2')])
  })

  it('is what a stale status told of until a newer one speaks', () => {
    const sequence = createSequence('r1', e(4, 'e2'))
    sequence.learn(e(9, 'e1'))
    expect(seqs(sequence.take(e(5, 'e2')))).toEqual([5])
    sequence.learn(e(5, 'e2'))
    expect(sequence.gap()).toBeUndefined()
  })

  it('is how many are lost where a status told', () => {
    const sequence = createSequence('r1', e(4))
    sequence.learn(e(8))
    sequence.learn(e(1, 'e2'))
    expect(sequence.take(e(1, 'e2'))[0]).toEqual({ ...rest, toSeq: 8 })
  })

  it('is asked for where only a status tells of it', () => {
    const sequence = createSequence('r1', e(4))
    sequence.learn(e(2, 'e2'))
    expect(sequence.gap()).toEqual({ epoch: 'e2', fromSeq: 1, toSeq: 2 })
    const items = sequence.takeReplay({ epoch: 'e2', fromSeq: 1, toSeq: 2 }, [e(1, 'e2'), e(2, 'e2')], [])
    expect(items).toEqual([rest, e(1, 'e2'), e(2, 'e2')])
  })

  it('does not lose what the old one left over and the router sends first', () => {
    const sequence = createSequence('r1', e(4))
    sequence.learn(e(2, 'e2'))
    expect(seqs(sequence.take(e(5)))).toEqual([5])
    expect(sequence.gap()).toEqual({ epoch: 'e2', fromSeq: 1, toSeq: 2 })
    expect(sequence.take(e(1, 'e2'))).toEqual([{ ...rest, fromSeq: 6 }, e(1, 'e2')])
  })

  it('takes nothing away where the old one held nothing', () => {
    const sequence = createSequence('r1', undefined)
    sequence.learn(e(0))
    sequence.learn(e(1, 'e2'))
    expect(sequence.take(e(1, 'e2'))).toEqual([e(1, 'e2')])
  })

  it('is not begun by a late event of an older one', () => {
    const sequence = createSequence('r1', e(1, 'e2'))
    sequence.learn(e(3, 'e2'))
    expect(sequence.take(e(9, 'e1'))).toEqual([])
    expect(seqs(sequence.take(e(2, 'e2')))).toEqual([2])
  })
})

it('comes to every event once and in order, however they are lost, doubled and mixed', () => {
  const delivery = fc.array(fc.record({ seq: fc.integer({ min: 1, max: 40 }), told: fc.boolean() }), { maxLength: 120 })
  const prunedTo = fc.integer({ min: 0, max: 20 })
  fc.assert(
    fc.property(delivery, prunedTo, (messages, pruned) => {
      const sequence = createSequence('r1', undefined)
      const out: ({ seq: number } | Lost)[] = []
      for (const { seq, told } of messages) {
        if (told) sequence.learn(e(seq))
        else out.push(...sequence.take(e(seq)))
      }
      sequence.learn(e(40))
      for (let gap = sequence.gap(); gap; gap = sequence.gap()) {
        const { fromSeq, toSeq } = gap
        const kept = Array.from({ length: toSeq - fromSeq + 1 }, (_, i) => e(fromSeq + i)).filter(
          ({ seq }) => seq > pruned,
        )
        const gone = fromSeq <= pruned ? [{ fromSeq, toSeq: pruned, why: 'pruned' as const }] : []
        const ready = sequence.takeReplay(gap, kept, gone)
        if (ready.length === 0) throw new Error(`stands still at ${JSON.stringify(gap)}`)
        out.push(...ready)
      }
      const covered = out.flatMap((item) =>
        'fromSeq' in item
          ? Array.from({ length: (item.toSeq ?? 0) - item.fromSeq + 1 }, (_, i) => item.fromSeq + i)
          : [item.seq],
      )
      expect(covered).toEqual(Array.from({ length: 40 }, (_, i) => i + 1))
    }),
  )
})
