// The real openNDS in the gateway's namespace, with its own defaults, and kept from the host's files.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ended, until } from '../../black-box/brokers.ts'
import { labFolder } from './folder.ts'
import { gateway, inside } from './namespaces.ts'
import { lanInterface } from './network.ts'
import { leasesFolder, prepareStandIns, standInPrograms, underStandIns } from './stand-ins.ts'

export interface Daemon {
  start(): Promise<void>
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

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (daemon) await ended(daemon, signal)
    daemon = undefined
  }

  return {
    async start() {
      const before = starts()
      const command = ['opennds', '-f', '-d', '1', '-c', configurationFile]
      const [program = '', ...args] = [...inside(gateway), ...underStandIns(command)]
      const logTo = openSync(logFile, 'a')
      daemon = spawn(program, args, {
        env: { ...process.env, PATH: `${standInPrograms}:${process.env.PATH}` },
        stdio: ['ignore', logTo, logTo],
        // What it does to its process group when it ends is not done to the tests.
        detached: true,
      })
      closeSync(logTo)
      await until(() => starts() > before, 20_000).catch((cause) => {
        throw new Error(`openNDS did not start: ${log().slice(-2000)}`, { cause })
      })
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    log,
  }
}
