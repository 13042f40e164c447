// How a fleet begins: its broker on a port that is free, and what to paste into another terminal.
import { join } from 'node:path'
import type { Broker, BrokerPorts } from '../broker/broker.ts'
import { macOf } from '../customers/crowd.ts'
import type { Flavour } from '../portal/world.ts'
import type { FleetOptions } from './fleet-arguments.ts'

/** The port asked for or a fault that says what to do; without one the usual port, or a free one. */
export async function openBroker(
  broker: Broker,
  asked: number | undefined,
  print: (text: string) => void,
): Promise<BrokerPorts> {
  try {
    return await broker.open({ port: asked ?? usualPort, wsPort: 0 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    if (asked !== undefined) {
      throw new Error(`port ${asked} is taken: stop what listens there, or leave out --port for a free one`)
    }
    print(`Port ${usualPort} is taken, perhaps by another broker: taking a free one (--port N chooses).`)
    return broker.open({ port: 0, wsPort: 0 })
  }
}

const usualPort = 1883

/** The programs that run, and the lines for buying by hand and watching. */
export function introduce(options: FleetOptions, ports: BrokerPorts, stateDir: string, page?: string): string {
  const url = `mqtt://127.0.0.1:${ports.port}`
  const numbers = [...Array(options.routers).keys()].map((index) => index + 1)
  const shown = numbers.slice(0, 5)
  const routers = shown.map((number) => `r${number} (${flavourOf(options.flavour, number)})`).join(', ')
  const more = numbers.length > shown.length ? ` … r${numbers.length}` : ''
  const mac = macOf(1, 0)
  const purchase = JSON.stringify({ purchaseId: `by-hand-${Date.now()}`, mac, amount: 1, unit: 'sat' })
  const secret = (who: string) => join(stateDir, 'accounts', who, 'password')
  const by = (who: string) => (options.secure ? ` -u ${who} -P "$(cat ${secret(who)})"` : '')
  const as = options.secure ? ` --username backend --password-file ${secret('backend')}` : ''
  const mosquitto = `-h 127.0.0.1 -p ${ports.port}`
  return [
    ...(page === undefined ? [] : [`page     ${page}`]),
    `broker   ${url}  ws://127.0.0.1:${ports.wsPort}`,
    `routers  ${routers}${more}, ${options.devices} devices each, speed ${options.speed}, seed ${options.seed}`,
    `logs     ${shown.map((number) => logFileOf(stateDir, `r${number}`)).join('  ')}${more}`,
    `watch    mosquitto_sub ${mosquitto}${by('monitor')} -t 'router/#' -v`,
    `buy      npm run buy -- --url ${url}${as} --router r1 --mac ${mac} --amount 1 --follow`,
    `     or  mosquitto_pub ${mosquitto}${by('backend')} -q 1 -t router/r1/purchase -m '${purchase}'`,
    '',
  ].join('\n')
}

export function flavourOf(asked: FleetOptions['flavour'], router: number): Flavour {
  const flavours = ['nodogsplash', 'opennds', 'opennds-10'] as const
  return asked === 'mixed' ? (flavours[(router - 1) % flavours.length] ?? 'nodogsplash') : asked
}

export function logFileOf(stateDir: string, routerId: string): string {
  return join(stateDir, `${routerId}.log`)
}
