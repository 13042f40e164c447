// The stream to the broker, as its URL asks for it: TCP, TLS or WebSocket. What only the latter two need is loaded for them.
import { connect, isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressOf } from './address.ts'

export interface Trust {
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
}

/** Resolves with what opens such a stream. */
export async function streamTo(url: string, trust: Trust): Promise<() => Duplex> {
  const { protocol = 'mqtt', host = '', port, path = '/' } = addressOf(url)
  // Who shows a certificate does not mean to be read by everybody.
  const isSecure = protocol === 'mqtts' || protocol === 'wss' || (trust.cert !== undefined && trust.key !== undefined)
  const security = { ...trust, rejectUnauthorized: true }
  if (protocol.startsWith('ws')) {
    const { default: WebSocket, createWebSocketStream } = await import('ws')
    const name = isIP(host) === 6 ? `[${host}]` : host
    const address = `${isSecure ? 'wss' : 'ws'}://${name}${port ? `:${port}` : ''}${path}`
    return () => {
      const socket = new WebSocket(address, ['mqtt'], { ...security, perMessageDeflate: false })
      const stream = createWebSocketStream(socket)
      // By itself it closes only when all that came in was read.
      socket.on('close', () => stream.destroy())
      return stream
    }
  }
  // Nagle's algorithm would hold every acknowledgement back for 40 ms.
  if (!isSecure) return () => connect({ host, port: port ?? 1883 }).setNoDelay()
  const tls = await import('node:tls')
  const servername = isIP(host) ? {} : { servername: host }
  return () => tls.connect({ host, port: port ?? 8883, ...servername, ...security }).setNoDelay()
}
