// Proves the text of metrics, in both formats.
import fc from 'fast-check'
import { expect, it, test } from 'vitest'
import { exposed, type Family, formatFor, labelled } from '../../metrics/exposition.ts'
import { anyText } from '../support/any-text.ts'

const families: Family[] = [
  {
    name: 'tollgate_drifts',
    type: 'counter',
    help: 'Lines\nand \\ "quotes".',
    samples: [
      { labels: labelled({ router: 'r1', kind: 'a' }), value: 3 },
      { labels: labelled({ router: 'r2', kind: undefined }), value: 2n ** 60n },
    ],
  },
  { name: 'tollgate_nothing', type: 'gauge', help: 'Left out.', samples: [] },
  {
    name: 'tollgate_wait_seconds',
    type: 'histogram',
    help: 'Waiting.',
    samples: [
      { suffix: '_bucket', labels: labelled({ le: '+Inf' }), value: 1 },
      { suffix: '_sum', labels: '', value: 0.5 },
      { suffix: '_count', labels: '', value: 1 },
    ],
  },
]

test.each([
  [
    'classic' as const,
    `# HELP tollgate_drifts_total Lines\\nand \\\\ "quotes".
# TYPE tollgate_drifts_total counter
tollgate_drifts_total{router="r1",kind="a"} 3
tollgate_drifts_total{router="r2"} 1152921504606846976
# HELP tollgate_wait_seconds Waiting.
# TYPE tollgate_wait_seconds histogram
tollgate_wait_seconds_bucket{le="+Inf"} 1
tollgate_wait_seconds_sum 0.5
tollgate_wait_seconds_count 1
`,
  ],
  [
    'openmetrics' as const,
    `# HELP tollgate_drifts Lines\\nand \\\\ \\"quotes\\".
# TYPE tollgate_drifts counter
tollgate_drifts_total{router="r1",kind="a"} 3
tollgate_drifts_total{router="r2"} 1152921504606846976
# HELP tollgate_wait_seconds Waiting.
# TYPE tollgate_wait_seconds histogram
tollgate_wait_seconds_bucket{le="+Inf"} 1
tollgate_wait_seconds_sum 0.5
tollgate_wait_seconds_count 1
# EOF
`,
  ],
])('writes %s', (format, text) => {
  expect([...exposed(families, format)].join('')).toBe(text)
})

it('writes any label so that it is read as it was', () => {
  const read = (text: string) => text.replaceAll(/\\(.)/gs, (_, letter: string) => (letter === 'n' ? '\n' : letter))
  fc.assert(
    fc.property(anyText(), (value) => {
      const [, written = ''] = /^a="(.*)"$/s.exec(labelled({ a: value })) ?? []
      // Nothing in it ends the value early.
      expect(written.replaceAll(/\\./gs, '')).not.toMatch(/["\n\\]/)
      expect(read(written)).toBe(value)
    }),
  )
})

test.each([
  ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5', 'openmetrics'],
  ['text/plain', 'classic'],
  ['*/*', 'classic'],
  [undefined, 'classic'],
])('answers to %s in %s', (accept, format) => {
  expect(formatFor(accept)).toBe(format)
})
