// The addresses of brokers, taken apart as MQTT.js takes them, with who we are to them.
import { readFileSync } from 'node:fs'
import { FleetError } from './errors.ts'
import type { FleetOptions } from './options.ts'

export interface Address {
  protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'mqtt+unix'
  protocolVersion: 4 | 5
  host: string
  path: string
  port?: number
  username?: string
  password?: string
  ca?: string | Buffer
  cert?: string | Buffer
  key?: string | Buffer
}

/** One for each of the URLs. */
export function addressesOf(options: FleetOptions): Address[] {
  const { username, password, ca, cert, key, mqttVersion = 4 } = options
  const access = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca: pemOf(ca) }),
    ...(cert !== undefined && { cert: pemOf(cert) }),
    ...(key !== undefined && { key: pemOf(key) }),
    protocolVersion: mqttVersion,
  }
  return options.url.split(',').map((url) => ({ ...partsOf(url.trim()), ...access }))
}

const protocols: readonly string[] = ['mqtt', 'mqtts', 'ws', 'wss', 'mqtt+unix']

function partsOf(text: string): Omit<Address, 'protocolVersion'> {
  if (!URL.canParse(text))
    throw new FleetError('invalid-argument', `url: ${text} is none, mqtt://127.0.0.1:1883 is one`)
  const url = new URL(text)
  const protocol = url.protocol.slice(0, -1)
  if (!protocols.includes(protocol)) {
    throw new FleetError('invalid-argument', `url: ${protocol} is not spoken here: give mqtt, mqtts, ws or wss`)
  }
  const { hostname, port, pathname, search, username, password } = url
  return {
    protocol: protocol as Address['protocol'],
    // An IPv6 address stands in brackets in a URL only.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    path: `${pathname || '/'}${search}`,
    ...(port && { port: Number(port) }),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}

function pemOf(given: string | Buffer): string | Buffer {
  if (typeof given !== 'string' || given.includes('-----BEGIN')) return given
  try {
    return readFileSync(given)
  } catch (cause) {
    throw new FleetError('invalid-argument', `${given} cannot be read as a certificate or key`, cause)
  }
}

/** The addresses without secrets, for messages. */
export function namesOf({ url }: FleetOptions): string {
  return url.replaceAll(/\/\/[^/@]*@/g, '//')
}
