// A check as JUnit's XML, as every CI reads it.
import type { Verdict } from './check.ts'

export function junit(verdicts: readonly Verdict[]): string {
  const failures = verdicts.filter(({ wrong }) => wrong !== undefined).length
  const cases = verdicts.map(({ rule, about, wrong, milliseconds }) => {
    const open = `  <testcase classname="contract" name="${escaped(`${rule}: ${about}`)}" time="${milliseconds / 1000}"`
    return wrong === undefined ? `${open}/>` : `${open}>\n    <failure message="${escaped(wrong)}"/>\n  </testcase>`
  })
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuite name="tollgate-fleet contract" tests="${verdicts.length}" failures="${failures}">`,
    ...cases,
    '</testsuite>',
    '',
  ].join('\n')
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? character)
}
