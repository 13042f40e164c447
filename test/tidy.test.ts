// Proves that the house is in order where the linter cannot look: headers, chance, names, and the table of the walls.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it, test } from 'vitest'

const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts', '*.mjs'])
  .toString()
  .split('\n')
  .filter((file) => file !== '' && existsSync(file))
const textOf = (file: string): string => readFileSync(file, 'utf8')
const inTree = (...trees: string[]) => sources.filter((file) => trees.some((tree) => file.startsWith(`${tree}/`)))

it('has a line at the head of every file that says what the file is', () => {
  expect(sources.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(textOf(file)))).toEqual([])
})

describe('chance', () => {
  // Pauses that must differ between processes; everything else is handed its dice.
  const allowed = ['agent/journal/folder-lock.ts', 'agent/uplink/reconnecting.ts', 'client/clock.ts']

  it('is used by the listed files alone', () => {
    const users = inTree('protocol', 'agent', 'client', 'cli', 'kit', 'broker-dev').filter((file) =>
      textOf(file).includes('Math.random'),
    )
    expect(users).toEqual(allowed)
  })
})

it('finds a file by its name, since no two rooms of a tree have files of one name', () => {
  // A test is called as the file that it proves, so its name may stand in two rooms.
  const files = sources.filter((file) => file.includes('/') && !file.endsWith('.test.ts'))
  const names = files.map((file) => `${file.split('/')[0]}: ${basename(file)}`).sort()
  expect(names.filter((name, index) => names[index + 1] === name)).toEqual([])
})

describe('the walls', () => {
  interface Override {
    includes: string[]
    linter: { rules: { style?: { noRestrictedImports?: { options: { patterns: { group: string[] }[] } } } } }
  }
  const config: { overrides: Override[] } = JSON.parse(textOf('biome.jsonc').replaceAll(/^ *\/\/.*$/gm, ''))
  const table = [...textOf('docs/architecture.md').matchAll(/^\| `([^`]+)` \|.*\| (.*) \|$/gm)]
  const rows = new Map(table.map(([, room = '', allowed = '']) => [room, allowed.split(', ').sort()]))

  // A room that has an allow-list, and what the list lets in: rooms and files by their path, packages by their name.
  const walls = config.overrides.flatMap(({ includes: [room = ''], linter }): [string, string[]][] => {
    const [patterns] = linter.rules.style?.noRestrictedImports?.options.patterns ?? []
    if (patterns?.group[0] !== '**') return []
    const folder = room.replace(/\*\*$|\*\.ts$/, '')
    const allowed = patterns.group.slice(1).map((pattern) => named(folder, pattern.slice(1)))
    return [[folder, [...new Set(allowed.filter((name) => name !== `\`${folder}\``))].sort()]]
  })

  test.each(walls)('of %s are those of the architecture page', (room, allowed) => {
    expect(rows.get(room)).toEqual(allowed)
  })

  test.each(['agent', 'broker-dev'])('stand around every room of %s/', (tree) => {
    const rooms = new Set(inTree(tree).map((file) => `${dirname(file)}/`))
    const walled = walls.map(([room]) => room).filter((room) => room.startsWith(`${tree}/`))
    expect(walled.sort()).toEqual([...rooms].sort())
  })

  function named(folder: string, pattern: string): string {
    if (pattern.startsWith('node:')) return 'Node'
    if (!pattern.startsWith('.')) return pattern
    const path = join(folder, pattern)
    return `\`${path.replace(/\/(\*|index)\.ts$/, '/')}\``
  }
})
