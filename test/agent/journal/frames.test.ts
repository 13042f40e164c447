// Proves that frames come back as they were written, and that a torn end is never taken for a damaged middle or the reverse.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { frame, readFrames } from '../../../agent/journal/frames.ts'

const values = [{ n: 1 }, { n: 2, text: 'grün \u{1f600}' }, { n: 3, list: [1, 2, 3] }]
const frames = values.map(frame)
const file = Buffer.concat(frames)
const sizeOf = (count: number) => frames.slice(0, count).reduce((sum, bytes) => sum + bytes.length, 0)

describe('readFrames', () => {
  it('gives back what was written', () => {
    expect(readFrames(file)).toEqual({ values, soundBytes: file.length, firstBytes: sizeOf(1), end: 'whole' })
  })

  it('gives back any object of JSON', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(fc.string(), fc.jsonValue())), (list) => {
        expect(readFrames(Buffer.concat(list.map(frame))).values).toEqual(JSON.parse(JSON.stringify(list)))
      }),
    )
  })

  it('gives back what is long, in less than a quarter of it', () => {
    const sessions = Array.from({ length: 50 }, (_, index) => ({ mac: `02:66:ca:fe:00:${10 + index}`, used: [0] }))
    const bytes = frame({ sessions })

    expect(readFrames(bytes).values).toEqual([{ sessions }])
    expect(bytes.length).toBeLessThan(JSON.stringify({ sessions }).length / 4)
  })

  it('finds an empty file whole', () => {
    expect(readFrames(new Uint8Array())).toEqual({ values: [], soundBytes: 0, firstBytes: 0, end: 'whole' })
  })

  test.each(Array.from({ length: file.length }, (_, size) => size))(
    'finds a file of %i bytes torn, or whole',
    (size) => {
      const whole = [0, 1, 2].filter((count) => sizeOf(count) <= size).length - 1
      const { values: read, soundBytes, end } = readFrames(file.subarray(0, size))

      expect({ read, soundBytes, end }).toEqual({
        read: values.slice(0, whole),
        soundBytes: sizeOf(whole),
        end: sizeOf(whole) === size ? 'whole' : 'torn',
      })
    },
  )

  test.each(Array.from({ length: sizeOf(2) - sizeOf(1) }, (_, at) => at))(
    'finds byte %i of the middle damaged',
    (at) => {
      const damaged = Buffer.from(file)
      damaged[sizeOf(1) + at] = (damaged[sizeOf(1) + at] ?? 0) ^ 0xff

      expect(readFrames(damaged)).toMatchObject({ values: [{ n: 1 }], soundBytes: sizeOf(1), end: 'damaged' })
    },
  )

  test.each([
    { when: 'zeros', rest: Buffer.alloc(64) },
    { when: 'noise', rest: Buffer.from(Array.from({ length: 64 }, (_, n) => (n * 37 + 11) % 256)) },
    { when: 'a damaged last frame', rest: Buffer.from(frame({ n: 4 })).fill(0, 9, 10) },
  ])('finds a file that ends in $when torn', ({ rest }) => {
    expect(readFrames(Buffer.concat([file, rest]))).toMatchObject({ values, soundBytes: file.length, end: 'torn' })
  })

  it('reads a part of a larger buffer', () => {
    const larger = Buffer.concat([Buffer.alloc(5), file, Buffer.alloc(5)])

    expect(readFrames(larger.subarray(5, 5 + file.length))).toMatchObject({ values, end: 'whole' })
  })
})
