// A Debian package: a folder laid out as it will lie on the router, and dpkg-deb. The same source gives the same bytes.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { licencesOf } from './licences.ts'
import { type Architecture, unpackNode } from './node-binary.ts'

export interface Source {
  version: string
  architecture: Architecture
  /** The time that every file bears, in seconds since 1970. */
  epoch: number
  /** The folders of the npm packages that are inside the bundles. */
  bundled: readonly string[]
  /** Where the package is put. */
  out: string
}

const name = 'tollgate-fleet'
const library = `usr/lib/${name}`
const documents = `usr/share/doc/${name}`
const given = 'deploy/debian'

/** Makes the package and says where it is. */
export function buildDeb({ version, architecture, epoch, bundled, out }: Source): string {
  const root = mkdtempSync(join(tmpdir(), 'tollgate-deb-'))
  try {
    const put = putterInto(root)
    const node = layOut(put, root, architecture)
    writeDocuments(put, { version, epoch, bundled, nodeVersion: node.version })
    writeControl(put, root, { version, architecture })
    setTimes(root, epoch)
    mkdirSync(out, { recursive: true })
    const file = join(out, `${name}_${version}_${architecture}.deb`)
    // xz divides its work by the number of threads, and what it writes with it. Harder work takes ten times as long, for a sixth less.
    const settings = [`SOURCE_DATE_EPOCH=${epoch}`, 'DPKG_DEB_THREADS_MAX=1']
    const command = ['dpkg-deb', '--root-owner-group', '-Zxz', '-z1', '--build', root, file]
    execFileSync('env', [...settings, ...command], { stdio: ['ignore', 'ignore', 'inherit'] })
    return file
  } finally {
    rmSync(root, { recursive: true })
  }
}

type Put = (path: string, content: string | Buffer, mode?: number) => void

// Modes are those given, whatever the umask of who builds.
function putterInto(root: string): Put {
  return (path, content, mode = 0o644) => {
    const file = join(root, path)
    makeFolder(root, dirname(path))
    writeFileSync(file, content)
    chmodSync(file, mode)
  }
}

function makeFolder(root: string, path: string): void {
  const folder = join(root, path)
  mkdirSync(folder, { recursive: true })
  for (let at = path; at !== '.'; at = dirname(at)) chmodSync(join(root, at), 0o755)
  chmodSync(root, 0o755)
}

function layOut(put: Put, root: string, architecture: Architecture): { version: string } {
  makeFolder(root, library)
  makeFolder(root, documents)
  const node = unpackNode(architecture, join(root, library))
  chmodSync(join(root, library, 'node'), 0o755)
  put(join(documents, 'node-LICENSE.gz'), zipped(readFileSync(join(root, library, 'LICENSE'))))
  rmSync(join(root, library, 'LICENSE'))
  put(join(library, 'agent.js'), bundle('dist/agent.js'))
  put(join(library, 'tollgate-fleet.mjs'), bundle('dist/tollgate-fleet.js'))
  // Beside the program that serves it.
  for (const file of filesOf('dist/page')) put(join(library, 'page', file), readFileSync(join('dist/page', file)))
  for (const program of [name, `${name}-agent`]) {
    put(`usr/bin/${program}`, readFileSync(join(given, program)), 0o755)
    put(`usr/share/man/man1/${program}.1.gz`, zipped(readFileSync(join(given, `${program}.1`))))
  }
  put(`lib/systemd/system/${name}.service`, readFileSync(join(given, `${name}.service`)))
  put(`etc/${name}/agent.toml`, readFileSync('deploy/agent.toml'))
  put(`usr/share/lintian/overrides/${name}`, readFileSync(join(given, 'overrides')))
  return node
}

// Without the line that names another Node.
const bundle = (file: string): string => readFileSync(file, 'utf8').replace(/^#!.*\n/, '')

interface Facts {
  version: string
  epoch: number
  bundled: readonly string[]
  nodeVersion: string
}

function writeDocuments(put: Put, { version, epoch, bundled, nodeVersion }: Facts): void {
  const day = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')
  const entry = [
    `${name} (${version}) stable; urgency=medium`,
    '',
    '  * See CHANGELOG.md.',
    '',
    ` -- ${maintainer}  ${day}`,
    '',
  ]
  put(join(documents, 'changelog.gz'), zipped(Buffer.from(entry.join('\n'))))
  put(join(documents, 'CHANGELOG.md.gz'), zipped(readFileSync('CHANGELOG.md')))
  const copyright = readFileSync(join(given, 'copyright'), 'utf8')
  put(
    join(documents, 'copyright'),
    copyright.replace('@NODE@', nodeVersion).replace('@LICENSE@', indented(readFileSync('LICENSE', 'utf8'))),
  )
  put(join(documents, 'bundled-licences.gz'), zipped(Buffer.from(licencesOf(bundled))))
  for (const page of shippedPages) put(join(documents, page), readFileSync(join('docs', page)))
  put(join(documents, 'examples/agent.toml'), readFileSync('deploy/agent.toml'))
  for (const file of readdirSync('deploy/mosquitto').sort()) {
    put(join(documents, 'examples/mosquitto', file), readFileSync(join('deploy/mosquitto', file)))
  }
}

// The pages that an operator reads, and the pages that they link to.
const shippedPages = [
  'access',
  'backend',
  'contract',
  'install',
  'monitoring',
  'operations',
  'performance',
  'scaling',
  'settings',
  'signatures',
].map((name) => `${name}.md`)

const maintainer = 'tollgate-fleet maintainers <maintainers@tollgate-fleet.example>'

function writeControl(
  put: Put,
  root: string,
  { version, architecture }: Pick<Source, 'version' | 'architecture'>,
): void {
  const control = readFileSync(join(given, 'control'), 'utf8')
  const files = filesOf(root)
  const kilobytes = files.reduce((sum, path) => sum + Math.ceil(statSync(join(root, path)).size / 1024), 0)
  const filled = {
    '@VERSION@': version,
    '@ARCHITECTURE@': architecture,
    '@SIZE@': String(kilobytes),
    '@MAINTAINER@': maintainer,
  }
  put(
    'DEBIAN/control',
    Object.entries(filled).reduce((text, [mark, value]) => text.replace(mark, value), control),
  )
  put('DEBIAN/conffiles', `/etc/${name}/agent.toml\n`)
  const sums = execFileSync(
    'md5sum',
    files.filter((path) => !path.startsWith('etc/')),
    { cwd: root },
  )
  put('DEBIAN/md5sums', sums)
  for (const script of ['postinst', 'prerm', 'postrm'])
    put(`DEBIAN/${script}`, readFileSync(join(given, script)), 0o755)
}

function filesOf(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesOf(root, join(folder, entry.name)) : [join(folder, entry.name)]))
}

function setTimes(root: string, epoch: number): void {
  for (const entry of readdirSync(root, { recursive: true })) lutimesSync(join(root, String(entry)), epoch, epoch)
  lutimesSync(root, epoch, epoch)
}

// No name and no time in its head.
const zipped = (content: Buffer): Buffer => gzipSync(content, { level: 9 })

const indented = (text: string): string =>
  text
    .trim()
    .split('\n')
    .map((line) => (line === '' ? ' .' : ` ${line}`))
    .join('\n')
