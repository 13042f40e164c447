// The real openNDS in the gateway's namespace, with its own defaults, and kept from the host's files.
import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ended } from '../ended.ts'
import { until } from '../until.ts'
import { labFolder } from './folder.ts'
import { gateway, inside } from './namespaces.ts'
import { lanInterface } from './network.ts'
import { leasesFolder, prepareStandIns, standInPrograms, underStandIns } from './stand-ins.ts'

export interface Daemon {
  /** Until it is ended from here it is started again whenever it ends by itself, as procd and systemd do. */
  start(): Promise<void>
  /** Settled once it runs; starts it when it was left ended, or did not come up. */
  running(): Promise<void>
  /** As a router's owner stops it: its rules go, and everybody is on line. */
  stop(): Promise<void>
  /** As a crash ends it: its rules stay. */
  kill(): Promise<void>
  log(): string
}

const configuration = `
GatewayInterface ${lanInterface}
GatewayName tollgate-lab
enable_serial_number_suffix 0
# Its names would be written to the files of a DNS server that is not there.
gatewayfqdn disable
dhcp_default_url_enable 0
FirewallRuleSet users-to-router {
  FirewallRule allow udp port 53
  FirewallRule allow tcp port 53
  FirewallRule allow udp port 67
}
`

export async function createDaemon(): Promise<Daemon> {
  const configurationFile = join(labFolder, 'opennds.conf')
  const logFile = join(labFolder, 'opennds.log')
  let daemon: ChildProcess | undefined
  await mkdir(leasesFolder, { recursive: true })
  await writeFile(configurationFile, configuration)
  await writeFile(logFile, '')
  await prepareStandIns()

  const log = () => readFileSync(logFile, 'utf8')
  const starts = () => log().split('openNDS is now running').length - 1

  let running = Promise.resolve()
  function start(): Promise<void> {
    running = launch()
    // A caller that waits for it hears of its failure.
    running.catch(() => {})
    return running
  }

  async function launch(): Promise<void> {
    const before = starts()
    const started = spawnDaemon(configurationFile, logFile)
    daemon = started
    let isRunning = false
    // By its source, its watchdog and a request that run a program at once take each other's SIGCHLD away: it exits.
    started.once('exit', (code, signal) => {
      if (daemon !== started) return
      daemon = undefined
      // A daemon that cannot even start is not tried for ever.
      if (!isRunning) return
      appendFileSync(logFile, `openNDS ended by itself (${signal ?? code}), it is started again\n`)
      start()
    })
    await until(() => {
      isRunning = starts() > before
      return isRunning || daemon !== started
    }, 60_000).catch(() => end('SIGKILL'))
    if (!isRunning) throw new Error(`openNDS did not start: ${log().slice(-2000)}`)
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = daemon
    daemon = undefined
    if (ending) await ended(ending, signal)
  }

  return {
    start,
    async running() {
      if (daemon) await running.catch(() => {})
      if (!daemon) await start()
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    log,
  }
}

function spawnDaemon(configurationFile: string, logFile: string): ChildProcess {
  const command = ['opennds', '-f', '-d', '1', '-c', configurationFile]
  const [program = '', ...args] = [...inside(gateway), ...underStandIns(command)]
  const logTo = openSync(logFile, 'a')
  const daemon = spawn(program, args, {
    env: { ...process.env, PATH: `${standInPrograms}:${process.env.PATH}` },
    stdio: ['ignore', logTo, logTo],
    // A group of its own keeps the tests from the signals that it sends to its group when it ends.
    detached: true,
  })
  closeSync(logTo)
  return daemon
}
