// The agent as a program: reads the settings, runs until SIGTERM or SIGINT.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { assembleAgent } from './assemble.ts'
import { agentVersion } from './build.ts'
import { readConfig } from './config.ts'
import { keepHeapLean } from './lean-heap.ts'
import { createLog } from './log.ts'

const usage = `tollgate-fleet agent ${agentVersion}

  agent.js [--config FILE.toml]

Every setting is a key of the file and an environment variable AGENT_*, which wins. AGENT_ROUTER_ID is required.`

// The last limit on a stop: whatever hangs, the process is gone within five seconds.
const stopMilliseconds = 4500

async function main(): Promise<void> {
  const { config } = settings()
  const log = createLog(config.logLevel)
  for (const warning of config.warnings) log.warn({ warning }, 'a warning about the settings')
  const agent = assembleAgent(config, { log })

  let stopping = false
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    setTimeout(() => process.exit(0), stopMilliseconds).unref()
    agent.stop(signal).then(
      () => process.exit(0),
      (err) => {
        log.error({ err }, 'the stop failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('unhandledRejection', (err) => log.error({ err }, 'a fault that nobody expected'))

  try {
    await agent.open()
    keepHeapLean()
  } catch (err) {
    log.error({ err }, 'the agent cannot start')
    process.exit(1)
  }
}

function settings() {
  try {
    const { values } = parseArgs({ options: { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } } })
    if (values.help) {
      console.log(usage)
      process.exit(0)
    }
    const read = readConfig(process.env, values.config === undefined ? '' : readFileSync(values.config, 'utf8'))
    if ('config' in read) return read
    return refuse(
      `the agent cannot start, mend these settings:\n${read.problems.map((line) => `  ${line}`).join('\n')}`,
    )
  } catch (err) {
    return refuse(`${err instanceof Error ? err.message : err}\n\n${usage}`)
  }
}

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

main()
