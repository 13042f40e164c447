// Proves that a development program names every setting that is missing or wrong, and what it takes; and that help lists them.
import { afterEach, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { BrokerUrls, readEnvironment } from '../../broker-dev/environment.ts'

const schema = z.object({
  NAME: z.string().meta({ description: 'a name' }),
  PORT: z.coerce.number().max(9).default(1).meta({ description: 'a port' }),
})

function run(variables: Record<string, string>, args: string[] = []) {
  const said: string[] = []
  const say = (text: string) => void said.push(text)
  vi.spyOn(console, 'log').mockImplementation(say)
  vi.spyOn(console, 'error').mockImplementation(say)
  vi.spyOn(process, 'exit').mockImplementation((code) => {
    throw new Error(`exit ${code}`)
  })
  const ending = () => readEnvironment('A program.', schema, variables, args)
  return { said, ending }
}

afterEach(() => void vi.restoreAllMocks())

it('reads settings, and takes an empty one for not given', () => {
  expect(run({ NAME: 'r1', PORT: '' }).ending()).toEqual({ NAME: 'r1', PORT: 1 })
})

it('names every one that is missing or wrong', () => {
  const { said, ending } = run({ PORT: '10' })

  expect(ending).toThrow('exit 2')
  expect(said).toEqual(['NAME is not set: it takes a name', 'PORT is 10: it takes a port'])
})

it('lists all of them for --help, and refuses any other argument', () => {
  const help = run({}, ['--help'])
  expect(help.ending).toThrow('exit 0')
  expect(help.said.join()).toContain('PORT               a port (1)')
  expect(run({}, ['--port']).ending).toThrow('exit 2')
})

it('takes one broker or the nodes of a cluster', () => {
  const taken = ['mqtt://n1:1883', 'mqtt://n1:1883,mqtts://n2:8883', 'n1', 'mqtt://n1:1883,', ''].map(
    (urls) => BrokerUrls.safeParse(urls).success,
  )
  expect(taken).toEqual([true, true, false, false, false])
})
