// Any text at all: ASCII with its quotes and controls, and any character of Unicode.
import fc, { type StringConstraints } from 'fast-check'

/** The texts of fast-check's unit `binary`, which makes a map of a million characters first: two seconds for each worker. */
export const anyText = (length: Pick<StringConstraints, 'minLength' | 'maxLength'> = {}): fc.Arbitrary<string> =>
  fc.oneof(fc.string({ ...length, unit: 'binary-ascii' }), fc.string({ ...length, unit: anyCharacter }))

const anyCharacter = fc
  .oneof(fc.integer({ min: 0, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10_ffff }))
  .map((point) => String.fromCodePoint(point))
