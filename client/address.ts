// The addresses of brokers, taken apart as MQTT.js takes them, with who we are to them.
import { type Credentials, credentialsOf } from './credentials.ts'
import { FleetError } from './errors.ts'
import type { FleetOptions } from './options.ts'

export interface Address extends Credentials {
  protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss' | 'mqtt+unix'
  protocolVersion: 4 | 5
  host: string
  path: string
  port?: number
}

/** With what files hold at the time of the call. */
export type Addresses = () => readonly Address[]

/** One for each of the URLs. */
export function addressesOf(options: FleetOptions, warn: (warning: FleetError) => void = () => {}): Addresses {
  const places = options.url.split(',').map((url) => partsOf(url.trim()))
  const credentials = credentialsOf(options, warn)
  return () => {
    const access = { ...credentials(), protocolVersion: options.mqttVersion ?? 4 }
    return places.map((place) => ({ ...place, ...access }))
  }
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
    ...(username && { username: decoded(username) }),
    ...(password && { password: decoded(password) }),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new FleetError('invalid-argument', 'url: its name or password has a % that is no escape: write %25', cause)
  }
}

/** The addresses without secrets, for messages. */
export function namesOf({ url }: FleetOptions): string {
  return url.replaceAll(/\/\/[^/@]*@/g, '//')
}
