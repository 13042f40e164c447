// A broker's address taken apart: given a whole URL, MQTT.js uses `url.parse`, of which Node 24 complains at every start.
import type { IClientOptions } from 'mqtt'

export function addressOf(url: string): IClientOptions {
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url)
  return {
    protocol: protocol.slice(0, -1) as NonNullable<IClientOptions['protocol']>,
    // An IPv6 address stands in brackets in a URL only.
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    path: `${pathname || '/'}${search}`,
    ...(port && { port: Number(port) }),
    ...(username && { username: decodeURIComponent(username) }),
    ...(password && { password: decodeURIComponent(password) }),
  }
}
