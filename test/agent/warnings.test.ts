// Proves that the operator's page says what to do about every warning that the agent can give, word by word, and about no other.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const page = readFileSync('docs/operations.md', 'utf8')
const section = page.split('## Every warning\n')[1]?.split('\n## ')[0] ?? ''
const rows = [...section.matchAll(/^\| `(.+?)` \| (.+) \|$/gm)].map(([, warning = '', advice = '']) => ({
  warning,
  advice,
}))

// A file that makes warnings has one of these words; its sentences are then warnings, or stand in the list below.
const makesWarnings =
  /warnings?\.(?:add|push|raise)\(|addRange\(|warnings? = |warnings: \[|get warnings?\(|function (?:faultOf\w+|\w+StopOf)\(/
const sources = readdirSync('agent', { recursive: true })
  .map((file) => join('agent', String(file)))
  .filter((file) => file.endsWith('.ts') && makesWarnings.test(readFileSync(file, 'utf8')))

const leastWords = 4

/** The longer texts of a file, with … for what differs. */
function sentencesOf(file: string): string[] {
  const source = readFileSync(file, 'utf8').replaceAll(/^\s*(?:\/\/|\/?\*).*$/gm, '')
  const code = source.replaceAll(/\$\{(?:[^{}`]|`[^`]*`)*\}/g, '…')
  const texts = [...code.matchAll(/'((?:[^'\\\n]|\\.)*)'|`((?:[^`\\]|\\.)*)`/g)].map(
    ([, plain, template]) => plain ?? template ?? '',
  )
  const told = texts.map((text) => text.replaceAll(/^[…\s]+|[…\s]+$/g, ''))
  return told.filter((text) => text.split(/\s+/).length >= leastWords)
}

// Parts of warnings that name a place, lines of the log, answers to one caller, and faults of the settings.
const others = new Set([
  'is damaged at byte 0',
  'is damaged at byte',
  "the journal's last file is missing, with decisions … and those behind it",
  'the journal lacks decisions … to',
  'the state folder has not been read yet',
  'an older agent of this client id may have subscribed to it',
  "a message of a topic that is not this router's is left to the broker:",
  'a purchase failed; the broker keeps it',
  'a status that the broker has of this router is none',
  'no connection to the broker, trying again',
  'connected to the broker',
  'the broker did not acknowledge a message on … within … s',
  'the broker grants QoS 0 only on …, which loses messages: it is not used',
  'the broker did not answer SUBSCRIBE within … s',
  'there is no connection to the broker',
  'the message has … bytes; … fit',
  'the connection was over already',
  'the agent is stopped',
  'nobody waits any more',
  'the kernel does not guard: everything goes on without it',
  'the guard takes long: nothing waits for it',
  'these keys are trusted from now on',
  'password or certificates have changed: connecting anew with them',
  'in line …, column',
  'the configuration file is not TOML…:',
  'is missing: give',
  'cannot be …: give',
  '; did you mean …?',
  'key …, line …: there is no such setting',
  ': there is no such setting; did you mean …?',
  'there is no file … that can be read',
  'there are two prices for …: leave one of them',
  ': is missing: a certificate needs its key, and a key its certificate',
  'key …, line',
])

describe('the page of warnings', () => {
  it('is made of the files that make them', () => {
    expect(sources.length).toBeGreaterThan(12)
    expect(rows.length).toBeGreaterThan(25)
  })

  it('has every warning of the agent', () => {
    const told = rows.map(({ warning }) => warning).join('\n')
    const missing = sources.flatMap((file) =>
      sentencesOf(file)
        .filter((text) => !others.has(text) && !told.includes(text))
        .map((text) => `${file}: ${text}`),
    )
    expect(missing).toEqual([])
  })

  it('has no warning that the agent does not give, and says what to do about each', () => {
    const given = sources.flatMap(sentencesOf)
    const invented = rows.filter(({ warning }) => !given.some((text) => warning.includes(text)))
    expect(invented).toEqual([])
    expect(rows.filter(({ advice }) => advice.length < 10)).toEqual([])
  })
})
