// Bundles every program into one file of dist/ that needs Node and nothing else.
import { chmodSync, existsSync } from 'node:fs'
import { build } from 'esbuild'

const programs = {
  agent: 'agent/main.ts',
  broker: 'broker-dev/broker-main.ts',
  backend: 'broker-dev/backend-main.ts',
  router: 'broker-dev/router-main.ts',
  fleet: 'broker-dev/fleet-main.ts',
  buy: 'broker-dev/buy-main.ts',
  ndsctl: 'broker-dev/portal/ndsctl-main.ts',
  simulate: 'test/simulation/simulate-main.ts',
  crash: 'test/crash/crash-main.ts',
  upstream: 'test/real/lab/upstream-main.ts',
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
  // The wall clock is not believed while it shows a time before the program was made.
  define: { BUILD_TIME: JSON.stringify(new Date().toISOString()) },
}
// CommonJS packages inside an ES module still call require() for Node's own modules.
const js = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);"

const present = Object.fromEntries(Object.entries(programs).filter(([, file]) => existsSync(file)))
await build({ ...common, entryPoints: present, banner: { js: `#!/usr/bin/env node\n${js}` } })
await build({ ...common, entryPoints: { protocol: 'protocol/index.ts' }, external: ['zod'] })
chmodSync('dist/ndsctl.js', 0o755)
