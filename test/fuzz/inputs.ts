// Hostile inputs: sound samples with bytes turned over, cut, doubled and replaced, values exchanged for odd ones, and plain bytes.
import fc from 'fast-check'

/** Bytes drawn from these samples; the same seed draws the same. */
export function inputsFrom(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const sound = samples.map((sample) => Buffer.from(sample))
  const spoilt = fc
    .record({ sample: fc.nat(sound.length - 1), edits: fc.array(edit, { minLength: 1, maxLength: 5 }) })
    .map(({ sample, edits }) => edits.reduce(edited, sound[sample] ?? Buffer.alloc(0)))
  return fc.oneof({ weight: 12, arbitrary: spoilt }, { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) })
}

const nested = (open: string, close: string, levels: number) => `${open.repeat(levels)}1${close.repeat(levels)}`

/** Values where another one is awaited. */
const values = [
  ...['null', 'true', '0', '-0', '-1', '1.5', '1e999', '-1e999', '1e-400', '9007199254740991', '9007199254740993'],
  ...['1e15', '123456789012345678901234567890', '0.1', 'NaN', 'Infinity', 'inf', '00', '0x10', '""', '" "', '[]', '{}'],
  ...[
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u0000"',
    '"\ufeff"',
    '"__proto__"',
    '"constructor"',
    '"%00"',
    '"%zz"',
    '"../../x"',
  ],
  ...[
    '{"toString":1}',
    '{"toJSON":1}',
    '{"length":1e9}',
    '{"then":1}',
    '{"__proto__":{"allotment":1,"metric":"bytes"}}',
  ],
  ...['"2026-11-22T12:00:00.000Z"', '"9999-12-31T23:59:60Z"', '"bytes"', '"ff:ff:ff:ff:ff:ff"', '"+/#"', '"$SYS"'],
  ...['[[[[[[[[1]]]]]]]]', nested('[', ']', 200), nested('[', ']', 7000), nested('{"a":', '}', 2500)],
  `"${'x'.repeat(129)}"`,
  `"${'é'.repeat(9000)}"`,
]
const pieces = [
  ...values,
  ...[
    '"',
    '\\',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '\n',
    '\r\n',
    '\0',
    '\ufeff',
    '=',
    '#',
    '.',
    '-',
    ' ',
    "'",
    '"""',
    '...',
  ],
  ...[
    '"__proto__":{"amount":1},',
    '"constructor":{"prototype":1},',
    '"amount":1,"unit":"sat",',
    '"allotment":1,',
    '"jws":"x",',
  ],
].map((text) => Buffer.from(text))
// Bytes that are no UTF-8: half a surrogate pair, an overlong slash, a byte alone.
pieces.push(Buffer.of(0xed, 0xa0, 0x80), Buffer.of(0xc0, 0xaf), Buffer.of(0xff), Buffer.of(0xfe, 0xff))

const place = fc.nat(1_000_000)
const edit = fc.oneof(
  fc.record({ do: fc.constant('turn' as const), at: place, by: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ do: fc.constant('cut' as const), at: place, length: fc.nat(60) }),
  fc.record({ do: fc.constant('double' as const), at: place, length: fc.nat(400) }),
  fc.record({ do: fc.constant('end' as const), at: place }),
  fc.record({ do: fc.constant('put' as const), at: place, piece: fc.nat(pieces.length - 1), over: fc.nat(8) }),
  fc.record({ do: fc.constant('exchange' as const), at: place, value: fc.nat(values.length - 1) }),
  fc.record({ do: fc.constant('exchange' as const), at: place, value: fc.nat(values.length - 1) }),
)
type Edit = typeof edit extends fc.Arbitrary<infer E> ? E : never

function edited(bytes: Buffer, how: Edit): Buffer {
  const at = how.at % (bytes.length + 1)
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (how.do) {
    case 'turn':
      return Buffer.concat([before, Buffer.of((after[0] ?? 0) ^ how.by), after.subarray(1)])
    case 'cut':
      return Buffer.concat([before, after.subarray(how.length)])
    case 'double':
      return Buffer.concat([before, after.subarray(0, how.length), after])
    case 'end':
      return before
    case 'put':
      return Buffer.concat([before, pieces[how.piece] ?? before, after.subarray(how.over)])
    case 'exchange':
      return exchanged(bytes, how.at, values[how.value] ?? '')
  }
}

/** With one of its values, by JSON's spelling, exchanged for that one. */
function exchanged(bytes: Buffer, at: number, value: string): Buffer {
  const text = bytes.toString('latin1')
  const found = [...text.matchAll(/"(?:[^"\\]|\\.)*"(?!\s*[:=])|-?\b\d[\d.eE+-]*|\b(?:true|false|null)\b/g)]
  const one = found[at % Math.max(1, found.length)]
  if (!one) return bytes
  return Buffer.concat([bytes.subarray(0, one.index), Buffer.from(value), bytes.subarray(one.index + one[0].length)])
}
