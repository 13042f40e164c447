// Proves that CSV is read as it was, whatever stands in a field.
import { expect, test } from 'vitest'
import { csvLine } from '../../monitor/csv.ts'

test.each([
  [['a', 'b'], 'a,b\r\n'],
  [['', null, '0'], '"",,0\r\n'],
  [['say "hi", twice', 'two\nlines'], '"say ""hi"", twice","two\nlines"\r\n'],
])('%j', (row, line) => {
  expect(csvLine(row)).toBe(line)
})
