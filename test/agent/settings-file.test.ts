// Proves that the configuration file that is shipped names every setting, shows what holds without it, and can be taken as it is.
import { readFileSync } from 'node:fs'
import { parse } from 'smol-toml'
import { describe, expect, it, test } from 'vitest'
import { readConfig } from '../../agent/config.ts'
import { keyOf, type Setting, settings } from '../../agent/settings.ts'

const shipped = readFileSync(new URL('../../deploy/agent.toml', import.meta.url), 'utf8')
// A line that is not in force has no blank behind its #; a comment has one.
const inForce = shipped.replaceAll(/^#(?! |$)/gm, '')
const shown = parse(inForce)
const examples = ['AGENT_ROUTER_ID', 'AGENT_LOG_FORMAT']

describe('the shipped configuration file', () => {
  it('changes nothing', () => {
    const required = { AGENT_ROUTER_ID: 'r1' }

    expect(readConfig(required, shipped)).toEqual(readConfig(required))
  })

  it('has a line for every setting, and for nothing else', () => {
    expect(Object.keys(shown).sort()).toEqual(Object.keys(settings).map(keyOf).sort())
  })

  it('can be put into force as a whole', () => {
    expect(readConfig({}, inForce)).toMatchObject({ config: { routerId: 'r1', warnings: [] } })
  })

  test.each(Object.entries<Setting>(settings))('shows what holds without %s', (name, { schema, usually }) => {
    const value = schema.parse(shown[keyOf(name)])

    if (usually !== '' && !examples.includes(name)) expect(value).toEqual(schema.parse(undefined))
    else expect(value).toBeDefined()
  })

  it('says of each example that nothing holds by itself', () => {
    const paragraphs = inForce.split('\n\n')
    const unset = Object.entries<Setting>(settings).filter(
      ([, { usually }]) => usually === '' || usually === 'required',
    )
    const silent = unset.filter(([name]) => {
      const paragraph = paragraphs.find((text) => new RegExp(`^(\\[\\[)?${keyOf(name)}\\b`, 'm').test(text))
      return !paragraph?.includes('None by itself.')
    })

    expect(silent.map(([name]) => name)).toEqual([])
  })
})
