// The agent as a program: reads the settings, runs until SIGTERM or SIGINT.
import { accessSync, constants, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { assembleAgent } from './assemble.ts'
import { readConfig } from './config.ts'
import { fileFaultInWords } from './file-fault.ts'
import { keepHeapLean, makeNoOptimisedCode } from './lean-heap.ts'
import { createLog } from './log.ts'
import { fileVariable, settingsHelp } from './settings.ts'
import { systemClock } from './time/clock.ts'
import { createKernelClock, runFrom } from './time/kernel-clock.ts'
import { agentVersion } from './version.ts'

const usage = `tollgate-fleet agent ${agentVersion}

  agent.js [--config FILE.toml]            runs until SIGTERM or SIGINT
  agent.js [--config FILE.toml] --check    reads the settings, says what is wrong with them, and ends
  agent.js --version | --help`

const help = () => `${usage}

Every setting is an environment variable, which wins, and a key of the file: AGENT_ROUTER_ID is router_id there. Without --config
${fileVariable} names the file.

${settingsHelp()}`

// The last limit on a stop: whatever hangs, the process is gone within five seconds.
const stopMilliseconds = 4500

async function main(): Promise<void> {
  const { config } = settings()
  const log = createLog(config.logLevel, config.logFormat ?? (process.stdout.isTTY ? 'text' : 'json'))
  for (const warning of config.warnings) log.warn({ warning }, 'a warning about the settings')
  // A router that nobody scrapes keeps none of it in memory.
  const metrics = config.metricsListen && (await import('./metrics.ts')).createAgentMetrics(config.metricsListen, log)
  const clock = systemClock(createKernelClock(runFrom(process.env.PATH)))
  const agent = assembleAgent(config, { clock, log, ...(metrics && { sawEvent: metrics.sawEvent }) })

  let stopping = false
  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    // An exit waits for calls that are out, and a disk that hangs answers none.
    const leave = (code: number) => (agent.waitsForDisk ? process.kill(process.pid, 'SIGKILL') : process.exit(code))
    setTimeout(() => leave(0), stopMilliseconds).unref()
    agent.stop(signal).then(
      () => leave(0),
      (err) => {
        log.error({ err }, 'the stop failed')
        leave(1)
      },
    )
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  process.on('unhandledRejection', (err) => log.error({ err }, 'a fault that nobody expected'))

  try {
    makeNoOptimisedCode()
    await agent.open()
    keepHeapLean(agent.heldEvents)
    await metrics?.open(agent.status)
  } catch (err) {
    log.error({ err }, 'the agent cannot start')
    process.exit(1)
  }
}

function settings() {
  try {
    const { values } = parseArgs({
      options: {
        config: { type: 'string' },
        check: { type: 'boolean' },
        version: { type: 'boolean', short: 'v' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) say(help())
    if (values.version) say(agentVersion)
    // Set to nothing it names no file, as an empty variable is no setting.
    const file = values.config ?? (process.env[fileVariable] || undefined)
    const read = readConfig(process.env, file === undefined ? '' : textOf(file), { isThere })
    if ('config' in read && values.check) {
      say(['the settings are sound', ...read.config.warnings.map((warning) => `but ${warning}`)].join('\n'))
    }
    if ('config' in read) return read
    return refuse(
      `the agent cannot start, mend these settings:\n${read.problems.map((line) => `  ${line}`).join('\n')}`,
    )
  } catch (err) {
    return refuse(`${err instanceof Error ? err.message : err}\n\n${usage}`)
  }
}

function say(text: string): never {
  console.log(text)
  process.exit(0)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (err) {
    return refuse(`the configuration file ${path} ${fileFaultInWords(err)}`)
  }
}

function isThere(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return true
  } catch {
    return false
  }
}

function refuse(message: string): never {
  console.error(message)
  process.exit(2)
}

main()
