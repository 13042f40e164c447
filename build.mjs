// Bundles every program into one file of dist/ that needs Node and nothing else.
import { chmodSync, cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { build } from 'esbuild'
import { build as buildPage } from 'vite'

const programs = {
  broker: 'broker-dev/broker/broker-main.ts',
  backend: 'broker-dev/backend/backend-main.ts',
  router: 'broker-dev/router/router-main.ts',
  fleet: 'broker-dev/fleet/fleet-main.ts',
  'agent-machine': 'broker-dev/router/agent-machine-main.ts',
  ndsctl: 'broker-dev/portal/ndsctl-main.ts',
  simulate: 'test/simulation/simulate-main.ts',
  crash: 'test/crash/crash-main.ts',
  'sick-disks': 'test/crash/sick-disks-main.ts',
  flood: 'test/crash/flood-main.ts',
  'flood-rate': 'test/crash/flood-rate-main.ts',
  fuzz: 'test/fuzz/fuzz-main.ts',
  bench: 'bench/bench-main.ts',
  'bench-portal': 'bench/portal-main.ts',
  'bench-looks': 'bench/looks-main.ts',
  'bench-fleet': 'bench/fleet-main.ts',
  'bench-fleet-load': 'bench/fleet-load-main.ts',
  api: 'api/main.ts',
  dashboard: 'api/dashboard-main.ts',
  'tollgate-fleet': 'cli/main.ts',
  package: 'packaging/deb-main.ts',
  upstream: 'test/support/lab/upstream-main.ts',
}
const common = {
  bundle: true,
  outdir: 'dist',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  lineLimit: 200,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  // The wall clock is not believed while it shows a time before the program was made.
  define: { BUILD_TIME: JSON.stringify(timeOfBuild().toISOString()) },
}
// CommonJS packages inside an ES module still call require() for Node's own modules.
const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const present = Object.fromEntries(Object.entries(programs).filter(([, file]) => existsSync(file)))
const programsBuilt = await build({ ...common, entryPoints: present, banner: { js: `#!/usr/bin/env node\n${js}` } })
// The published package: a backend needs nothing beside it but zod, whose types the contract's own are made of.
rmSync('dist/package', { recursive: true, force: true })
await build({
  ...common,
  outdir: 'dist/package',
  entryPoints: { protocol: 'protocol/index.ts', client: 'client/index.ts', cli: 'cli/main.ts' },
  splitting: true,
  chunkNames: 'parts/[hash]',
  minifyWhitespace: true,
  external: ['zod', 'pg'],
  banner: { js },
})
// The page's files stand beside the programs that serve it. Vite builds another page where the environment names a mode, as tests do.
process.env.NODE_ENV = 'production'
const pageBuilt = await buildPage({ configFile: 'vite.page.config.ts', logLevel: 'warn' })
cpSync('dist/page', 'dist/package/page', { recursive: true })
// The agent runs on small machines. Its file is right as CommonJS and as an ES module: what it imports lazily stays lazy,
// Node's own modules too, and Node need not parse it twice where no package.json beside it says what it is.
const agentBuilt = await build({
  ...common,
  format: 'cjs',
  entryPoints: { agent: 'agent/main.ts' },
  banner: {
    js: `#!/usr/bin/env node
${refusesOlderNode()}
var require = process.getBuiltinModule('node:module').createRequire('/');`,
  },
  // Comments and blanks would be held in memory as text. Names stay, and lines are short enough to read in a crash.
  minifyWhitespace: true,
  alias: {
    // Node's own streams, which are there anyway.
    'readable-stream': 'node:stream',
    // MQTT.js uses these in browsers and with a proxy only, pino to log from a thread of its own.
    'worker-timers': 'data:text/javascript,',
    socks: 'data:text/javascript,',
    'thread-stream': 'data:text/javascript,',
  },
})
// A package of an operating system has to give their licences on.
const outputs = [agentBuilt.metafile.outputs['dist/agent.js'], programsBuilt.metafile.outputs['dist/tollgate-fleet.js']]
const ofPrograms = outputs.flatMap(({ inputs }) => Object.keys(inputs).filter((path) => inputs[path].bytesInOutput > 0))
const ofPage = pageBuilt.output.flatMap(({ moduleIds = [] }) => moduleIds)
const bundled = [...ofPrograms, ...ofPage].flatMap(
  (path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(relative('.', path))?.[0] ?? [],
)
writeFileSync('dist/bundled.json', JSON.stringify([...new Set(bundled)].sort()))
// They begin with the name of their interpreter.
for (const name of ['agent', ...Object.keys(present)]) chmodSync(`dist/${name}.js`, 0o755)

// Who gives the time of the source gets the same bytes again.
function timeOfBuild() {
  const { SOURCE_DATE_EPOCH: seconds } = process.env
  return seconds ? new Date(Number(seconds) * 1000) : new Date()
}

// Written so that an older Node can read it; the version is that of `engines`.
function refusesOlderNode() {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8'))
  const [major, minor] = engines.node.match(/\d+/g)
  return `var [major, minor] = process.versions.node.split('.').map(Number);
if (major < ${major} || (major === ${major} && minor < ${minor})) {
  console.error('tollgate-fleet needs Node ${major}.${minor} or later, and this is Node ' + process.versions.node + '.');
  process.exit(1);
}`
}
