// The stream to the broker, as its URL asks for it: TCP, TLS or WebSocket. The modules of the latter two are loaded for them alone.
import { connect, isIP, type LookupFunction, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { addressOf } from './address.ts'
import type { Credentials } from './credentials.ts'
import type { Place } from './places.ts'

type Certificates = Pick<Credentials, 'ca' | 'cert' | 'key'>

// Several times what a handshake takes over two satellites: another address may answer.
const answersWithin = 20_000

/** Resolves with what opens such a stream. */
export async function streamTo({ url, address }: Place, certificates: Certificates): Promise<() => Duplex> {
  const { protocol = 'mqtt', host = '', port, path = '/' } = addressOf(url)
  // A client certificate implies TLS, also with mqtt:// or ws://.
  const isSecure =
    protocol === 'mqtts' || protocol === 'wss' || (certificates.cert !== undefined && certificates.key !== undefined)
  const { ca, cert, key } = certificates
  const security = { ...(ca && { ca }), ...(cert && key && { cert, key }), rejectUnauthorized: true }
  const where = address === undefined ? {} : { lookup: always(address) }
  if (protocol.startsWith('ws')) {
    const { default: WebSocket, createWebSocketStream } = await import('ws')
    const name = isIP(host) === 6 ? `[${host}]` : host
    const location = `${isSecure ? 'wss' : 'ws'}://${name}${port ? `:${port}` : ''}${path}`
    return () => {
      const socket = new WebSocket(location, ['mqtt'], { ...security, ...where, perMessageDeflate: false })
      const stream = createWebSocketStream(socket)
      // By itself it closes only when all that came in was read.
      socket.on('close', () => stream.destroy())
      return stream
    }
  }
  // Nagle's algorithm would hold every acknowledgement back for 40 ms.
  if (!isSecure) return () => answering(connect({ host, port: port ?? 1883, ...where }).setNoDelay())
  const tls = await import('node:tls')
  const servername = isIP(host) ? {} : { servername: host }
  return () =>
    answering(tls.connect({ host, port: port ?? 8883, ...servername, ...where, ...security }).setNoDelay() as Socket)
}

function always(address: string): LookupFunction {
  const family = isIP(address)
  return (_name, options, done) => {
    if (options.all) done(null, [{ address, family }])
    else done(null, address, family)
  }
}

function answering<T extends Socket>(socket: T): T {
  const over = setTimeout(() => socket.destroy(new Error('nobody answers at that address')), answersWithin)
  const isDecided = () => clearTimeout(over)
  return socket.once('connect', isDecided).once('close', isDecided)
}
