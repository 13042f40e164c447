// How the agent connects: with which name, credentials and last will.
import { readFile } from 'node:fs/promises'
import type { IClientOptions } from 'mqtt'
import { type RouterId, topicOf } from '../../protocol/index.ts'
import type { Config } from '../config.ts'
import { exactJson } from '../exact-json.ts'
import { addressOf } from './address.ts'
import { clientIdOf } from './names.ts'
import type { Trust } from './stream.ts'

export type Settings = Pick<Config, 'mqtt' | 'topicPrefix'> & { routerId: RouterId }

/** `canRetain`: whether this broker is known to accept a retained last will. */
export async function optionsFor(
  { mqtt, routerId, topicPrefix }: Settings,
  url: string,
  lastWill: object,
  canRetain: boolean,
): Promise<IClientOptions> {
  const { passwordFile, username, version } = mqtt
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
    ...(passwordFile && { password: (await readFile(passwordFile, 'utf8')).trim() }),
  }
}

/** The certificates, read anew for each connection: they may have been renewed. */
export async function trustOf({ caFile, certFile, keyFile }: Config['mqtt']): Promise<Trust> {
  return {
    ...(caFile && { ca: await readFile(caFile) }),
    ...(certFile && { cert: await readFile(certFile) }),
    ...(keyFile && { key: await readFile(keyFile) }),
  }
}
