// How the agent connects: with which name, credentials and last will.
import type { IClientOptions } from 'mqtt'
import { type RouterId, topicOf } from '../../protocol/index.ts'
import type { Config } from '../config.ts'
import { exactJson } from '../exact-json.ts'
import { addressOf } from './address.ts'
import type { CredentialFiles, Credentials } from './credentials.ts'
import { clientIdOf } from './names.ts'
import type { Place } from './places.ts'
import { streamTo } from './stream.ts'

export type Settings = Pick<Config, 'mqtt' | 'topicPrefix'> & { routerId: RouterId }

interface Wish {
  settings: Settings
  files: Pick<CredentialFiles, 'read'>
  lastWill: object
  /** Whether this broker is known to accept a retained last will. */
  canRetain: boolean
}

/** The stream and the options of one connection, with the credentials as their files are now. */
export async function wayTo(place: Place, { settings, files, ...will }: Wish) {
  const credentials = await files.read()
  const openStream = await streamTo(place, credentials)
  return { openStream, options: optionsFor(settings, credentials, { url: place.url, ...will }) }
}

function optionsFor(
  { mqtt, routerId, topicPrefix }: Settings,
  { password }: Pick<Credentials, 'password'>,
  { url, lastWill, canRetain }: { url: string; lastWill: object; canRetain: boolean },
): IClientOptions {
  const { username, version } = mqtt
  const inUrl = addressOf(url)
  const payload = Buffer.from(exactJson(lastWill))
  return {
    clientId: clientIdOf(routerId, topicPrefix),
    clean: false,
    protocolVersion: version,
    // An MQTT 5 broker keeps messages for an absent client only as long as it asks: here, for ever.
    ...(version === 5 && { properties: { sessionExpiryInterval: 0xffffffff, maximumPacketSize: 64 * 1024 } }),
    will: { topic: topicOf(routerId, 'status', topicPrefix), payload, qos: 1, retain: canRetain },
    reconnectPeriod: 0,
    resubscribe: false,
    keepalive: 30,
    // Its timers for browsers are not in the bundle.
    timerVariant: 'native',
    // Saves 14 MB of buffers that MQTT.js would make beforehand.
    writeCache: false,
    ...(inUrl.username !== undefined && { username: inUrl.username }),
    ...(inUrl.password !== undefined && { password: inUrl.password }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  }
}
