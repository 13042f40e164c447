// `npm run api`: writes what is generated from the contract; with `--check` says what of it is stale, and ends with 1.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { commandLine } from '../broker-dev/command-line.ts'
import { asyncApi } from './asyncapi.ts'
import { page } from './page.ts'
import { schemas } from './schemas.ts'

const root = process.cwd()
const { check: isCheck } = commandLine('npm run api --', 'Writes docs/api/ from the contract.')
  .option('--check', 'write nothing; say what is stale, and end with 1')
  .parse()
  .opts<{ check?: true }>()
const textOf = (...path: string[]) => readFileSync(join(root, ...path), 'utf8')
const json = (value: object) => `${JSON.stringify(value, undefined, 2)}\n`

const folder = join('protocol', 'examples')
const examples = readdirSync(join(root, folder))
  .sort()
  .map((file) => ({ name: file.replace(/\.json$/, ''), payload: JSON.parse(textOf(folder, file)) }))
const contract = asyncApi(JSON.parse(textOf('package.json')).version, examples)
const renderer = join(root, 'node_modules/@asyncapi/react-component')
const files: Record<string, string> = {
  'docs/api/asyncapi.json': json(contract),
  ...Object.fromEntries(
    Object.entries(schemas()).map(([name, schema]) => [`docs/api/schemas/${name}.json`, json(schema)]),
  ),
  'docs/api/index.html': page({
    asyncApi: contract,
    script: readFileSync(join(renderer, 'browser/standalone/index.js'), 'utf8'),
    style: readFileSync(join(renderer, 'styles/default.min.css'), 'utf8'),
  }),
}

const stale = Object.entries(files).filter(([file, text]) => before(file) !== text)
if (isCheck) {
  for (const [file] of stale) console.error(`${file} is stale: run npm run api`)
  process.exit(stale.length > 0 ? 1 : 0)
}
for (const [file, text] of stale) {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
  console.log(file)
}

function before(file: string): string | undefined {
  try {
    return textOf(file)
  } catch {
    return undefined
  }
}
