// A router with a real captive portal on this machine, for tests of the agent: openNDS, the firewall, devices and what is
// upstream of them, in network namespaces. The portal's socket is where it is on a router, so one lab a machine.
//
//   devices tg-d1, tg-d2 .. --- [ br-lan  tg-gw: openNDS, agent, broker  wan0 ] --- tg-up: HTTP and UDP server
//   192.168.66.(100 + number)     192.168.66.1                     10.99.0.2        10.99.0.1
import { resolve } from 'node:path'
import { execa } from 'execa'
import { until } from '../until.ts'
import { createDaemon } from './daemon.ts'
import { claimMachine, freeMachine, labFolder, portalPaths } from './folder.ts'
import { installMeter, passed } from './meter.ts'
import { gateway, inside, run, upstream } from './namespaces.ts'
import { type Device, httpPort, plugIn } from './netns-device.ts'
import { buildNetwork, removeGuardTable, setJoining, setLinkRate, upstreamAddress } from './network.ts'
import { authentications, counted, entryOf, shutByHand } from './portal.ts'

export { whyNoTests } from './missing.ts'
export type { Device, Transfer } from './netns-device.ts'

export type Lab = Awaited<ReturnType<typeof openLab>>

// From the project's folder: this file may itself be part of a program in dist/.
const server = resolve('dist/upstream.js')

export async function openLab() {
  await claimMachine()
  try {
    return await build()
  } catch (err) {
    await freeMachine()
    throw err
  }
}

async function build() {
  const { socket } = await portalPaths()
  await buildNetwork()
  await installMeter()
  await startUpstream()
  const daemon = await createDaemon()
  await daemon.start()
  let devices = 0

  return {
    /** Where programs of the router run and keep their files; both go with the lab. */
    router: { within: inside(gateway), folder: labFolder },
    /** The portal's socket. */
    socket,
    daemon,
    /** One more device, that no portal knows yet. */
    plugInDevice: (): Promise<Device> => plugIn(++devices),
    setLinkRate,
    setJoining,
    removeGuardTable,
    entryOf,
    shutByHand,
    authentications,
    counted,
    passed,
    async close() {
      await daemon.kill()
      await freeMachine()
    },
  }
}

async function startUpstream(): Promise<void> {
  const [program = '', ...args] = [...inside(upstream), process.execPath, server, upstreamAddress, '80', `${httpPort}`]
  const started = execa(program, args, { reject: false, stdin: 'ignore' })
  const ended = started.then(({ stderr }) => {
    throw new Error(`the server upstream ended: ${stderr}`)
  })
  const isUp = () =>
    run(gateway, ['curl', '--silent', `http://${upstreamAddress}:${httpPort}/1`]).then(
      () => true,
      () => false,
    )
  await Promise.race([until(isUp), ended])
  // From here on it ends with the lab.
  ended.catch(() => {})
}
