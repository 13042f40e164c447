// `npm run package` after its build: the Debian package of this version in dist/packages/, and its checksum.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { commandLine } from '../broker-dev/command-line.ts'
import { buildDeb } from './deb.ts'

commandLine('npm run package --', 'Makes the Debian package of this version in dist/packages/.').parse()

// The bundles say when they were made, and it has to be the same time.
const epoch = Number(process.env.SOURCE_DATE_EPOCH)
if (!Number.isSafeInteger(epoch)) throw new Error('SOURCE_DATE_EPOCH is no number of seconds: npm run package')

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const bundled: string[] = JSON.parse(readFileSync('dist/bundled.json', 'utf8'))
const file = buildDeb({ version, architecture: 'amd64', epoch, bundled, out: 'dist/packages' })
console.log(`${createHash('sha256').update(readFileSync(file)).digest('hex')}  ${file}`)
