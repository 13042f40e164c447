// Proves that the house is in order where the linter cannot look: headers, sentences, chance, names, documents, and the table
// of the walls.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { longest } from './longest-first.ts'

const filesOf = (...patterns: string[]) =>
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns])
    .toString()
    .split('\n')
    .filter((file) => file !== '' && existsSync(file))
const sources = filesOf('*.ts', '*.tsx', '*.mjs')
const textOf = (file: string): string => readFileSync(file, 'utf8')
const inTree = (...trees: string[]) => sources.filter((file) => trees.some((tree) => file.startsWith(`${tree}/`)))

it('has a line at the head of every file that says what the file is', () => {
  expect(sources.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(textOf(file)))).toEqual([])
})

it('has no comment with a sentence that leaves its subject open', () => {
  const opening = /(?:^|[.!?] )(?:Whoever|What|One that|So many)\b/
  const riddles = sources.flatMap((file) =>
    commentsOf(file).flatMap((text) => (opening.test(text) ? [`${file}: ${text}`] : [])),
  )
  expect(riddles).toEqual([])
})

/** Each run of line comments, and each block, as one line of text. */
function commentsOf(file: string): string[] {
  const comments = textOf(file).match(/\/\*\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n)+/gm) ?? []
  return comments.map((comment) =>
    comment
      .replaceAll(/^\s*(?:\/\/|\/\*\*|\*\/?)|\*\/$/gm, '')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  )
}

describe('chance', () => {
  // Pauses that must differ between processes; everything else is handed its dice.
  const allowed = ['agent/journal/folder-lock.ts', 'agent/uplink/reconnecting.ts', 'client/clock.ts']

  it('is used by the listed files alone', () => {
    const users = inTree(
      'protocol',
      'agent',
      'client',
      'cli',
      'kit',
      'metrics',
      'monitor',
      'page',
      'broker-dev',
    ).filter((file) => textOf(file).includes('Math.random'))
    expect(users).toEqual(allowed)
  })
})

describe('a function above 80 lines', () => {
  // Each is exempt at its own head, and Biome complains of an exemption that is not needed. This list may only shrink.
  const long = [
    'test/consumers/plain-backend.ts',
    'test/simulation/broker.ts',
    'test/simulation/excuses.ts',
    'test/simulation/ledger.ts',
    'test/support/a-router.ts',
    'test/support/brokers/strict-broker.ts',
    'test/support/market.ts',
  ]

  it('stands in the listed files alone, one in each', () => {
    const exempt = sources.flatMap((file) => [...textOf(file).matchAll(exemption)].map(() => file))
    expect(exempt.sort()).toEqual(long)
    expect(long.length).toBeLessThanOrEqual(7)
  })

  // Written so that it does not find itself.
  const exemption = /biome-ignore lint\/complexity\/noExcessiveLines\w+/g
})

it('finds a file by its name, since no two rooms of a tree have files of one name', () => {
  // A test is called as the file that it proves, so its name may stand in two rooms.
  const files = sources.filter((file) => file.includes('/') && !file.endsWith('.test.ts'))
  const names = files.map((file) => `${file.split('/')[0]}: ${basename(file)}`).sort()
  expect(names.filter((name, index) => names[index + 1] === name)).toEqual([])
})

it('begins npm test with files that exist, each once', () => {
  expect(longest.filter((file, index) => !existsSync(file) || longest.indexOf(file) !== index)).toEqual([])
})

describe('the documents', () => {
  const documents = filesOf('*.md')
  // A place for results, and the form of a name.
  const notThere = ['bench/results.json', 'docs/decisions/NNNN-title.md']
  const scripts = Object.keys(JSON.parse(textOf('package.json')).scripts)

  test.each(documents)('%s names commands and files that exist, and has no sentence without a subject', (file) => {
    const text = textOf(file).replaceAll(/^#.*$/gm, '')
    const commands = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name)
    const paths = [
      ...text.matchAll(
        /`((?:agent|api|bench|bin|broker-dev|cli|client|deploy|docs|kit|metrics|monitor|page|protocol|test)\/[\w./-]*)`/g,
      ),
    ]
    expect(commands.filter((name) => !scripts.includes(name ?? ''))).toEqual([])
    expect(
      paths.map(([, path]) => path).filter((path) => !existsSync(path ?? '') && !notThere.includes(path ?? '')),
    ).toEqual([])
    expect(
      [...text.matchAll(/(?:^|[.!?] |\| )(?:Whoever|What|One that|So many)\b.*$/gm)].map(([line]) => line),
    ).toEqual([])
  })

  test.each(documents.filter((file) => file.startsWith('docs/decisions/')))(
    '%s has its date, status and alternatives',
    (file) => {
      expect(textOf(file)).toMatch(/^# \d{4} .+\n\nDate: \d{4}-\d\d-\d\d\. Status: /)
      expect(textOf(file)).toContain('**Considered.**')
    },
  )
})

describe('the walls', () => {
  interface Override {
    includes: string[]
    linter: { rules: { style?: { noRestrictedImports?: { options: { patterns: { group: string[] }[] } } } } }
  }
  const config: { overrides: Override[] } = JSON.parse(textOf('biome.jsonc').replaceAll(/^ *\/\/.*$/gm, ''))
  const table = [...textOf('docs/architecture.md').matchAll(/^\| `([^`]+)` \|.*\| (.*) \|$/gm)]
  const rows = table.map(([, room = '', allowed = '']) => [room, allowed.split(', ').sort()] as const)

  // Each allow-list with the files it is about, and what it lets in: rooms and files by their path, packages by their name.
  const walls = config.overrides.flatMap(({ includes: [files = ''], linter }) => {
    const [patterns] = linter.rules.style?.noRestrictedImports?.options.patterns ?? []
    if (patterns?.group[0] !== '**') return []
    const room = files.replace(/\*\*$|\*\.ts$/, '')
    const allowed = patterns.group.slice(1).map((pattern) => named(room, pattern.slice(1)))
    return [{ files, room, allowed: [...new Set(allowed.filter((name) => name !== `\`${room}\``))].sort() }]
  })

  test.each(walls)('of $room are those of the architecture page', ({ room, allowed }) => {
    expect(rows.filter(([name]) => name === room)).toEqual([[room, allowed]])
  })

  it('are all that the architecture page tells of', () => {
    const rooms = new Set(walls.map(({ room }) => room))
    expect(rows.filter(([room]) => !rooms.has(room))).toEqual([])
  })

  it('stand around every source file, one around each', () => {
    const inRooms = sources.filter((file) => file.includes('/'))
    const wallsAround = (file: string) => walls.filter(({ files }) => matchesGlob(file, files)).map(({ room }) => room)
    expect(inRooms.filter((file) => wallsAround(file).length !== 1)).toEqual([])
  })

  function named(room: string, pattern: string): string {
    if (pattern.startsWith('node:')) return 'Node'
    if (!pattern.startsWith('.')) return /^(?:@[^/]+\/)?[^/]+/.exec(pattern)?.[0] ?? ''
    // `../**/` stands for as many levels as a room has folders below it.
    const path = join(room, pattern.replace('/**/', '/'))
    return `\`${path.replace(/\*\.tsx?$|(?<=^protocol\/)index\.ts$/, '')}\``
  }

  /** Of the two forms that the walls have: a folder with all below it, and the files of a folder. */
  function matchesGlob(file: string, glob: string): boolean {
    return glob.endsWith('**') ? file.startsWith(glob.slice(0, -2)) : dirname(file) === dirname(glob)
  }
})
