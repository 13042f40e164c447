// The builds of the agent that are set beside a bare Node, and the bare Node itself.
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ended } from '../test/support/ended.ts'
import { type AgentUnderTest, startAgent } from './agent-under-test.ts'
import type { Stage } from './figure.ts'
import { monotonic } from './monotonic.ts'
import { distFolder, temporaryFolder } from './places.ts'

export interface AgentKind {
  name: string
  /** Without a goal it is there for comparison only. */
  hasGoal: boolean
  /** Whether it talks to that socket; it opens no gates otherwise. */
  bySocket: boolean
  start(url: string, socket: string): Promise<AgentUnderTest>
}

export function agentKinds(stage: Stage): AgentKind[] {
  const folder = temporaryFolder(stage)
  // `cat json` stands for ndsctl, at a portal without clients.
  writeFileSync(join(folder, 'json'), '{\n"client_length": 0,\n"clients":{\n}\n}\n')
  const program = compiledAgent()
  return [
    {
      name: 'dist/agent.js by socket',
      hasGoal: true,
      bySocket: true,
      start: (url, socket) => startAgent(stage, { url, socket }),
    },
    {
      name: 'dist/agent.js by exec',
      hasGoal: true,
      bySocket: false,
      start: (url) => startAgent(stage, { url, cwd: folder, env: { AGENT_NDSCTL: 'cat' } }),
    },
    {
      name: 'tsc output and node_modules',
      hasGoal: false,
      bySocket: true,
      start: (url, socket) => startAgent(stage, { url, socket, program }),
    },
  ]
}

/** A Node that only waits; started when its first line runs. */
export async function startBareNode(stage: Stage) {
  const script = join(temporaryFolder(stage), 'bare.mjs')
  writeFileSync(script, "process.stdout.write('.')\nsetInterval(() => {}, 1e9)\n")
  const from = monotonic()
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
  stage.afterwards(() => child.kill('SIGKILL'))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return {
    pid: child.pid ?? 0,
    startMilliseconds: monotonic() - from,
    stop: () => ended(child, 'SIGKILL'),
  }
}

/** The agent as tsc leaves it, a file for each source file: what it would be without the bundle. */
function compiledAgent(): string {
  const project = resolve(distFolder, '..')
  const folder = join(distFolder, 'compiled')
  mkdirSync(folder, { recursive: true })
  const compilerOptions = { noEmit: false, outDir: '.', rootDir: project, rewriteRelativeImportExtensions: true }
  const types = { typeRoots: [join(project, 'node_modules/@types')] }
  const settings = {
    extends: join(project, 'tsconfig.json'),
    compilerOptions: { ...compilerOptions, ...types },
    include: [],
    files: [join(project, 'agent/main.ts')],
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings))
  execFileSync(join(project, 'node_modules/.bin/tsc'), ['-p', folder])
  return join(folder, 'agent/main.js')
}
