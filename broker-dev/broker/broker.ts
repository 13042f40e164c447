// The development broker: Aedes over TCP and WebSocket, everything in memory.
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { doorKeeper } from './door-keeper.ts'

export interface BrokerPorts {
  port: number
  wsPort: number
}

export interface Broker {
  /** Port 0 takes a free one; resolves with the ports it really listens on. */
  open(where: Partial<BrokerPorts> & { host?: string }): Promise<BrokerPorts>
  close(): Promise<void>
}

export interface BrokerOptions {
  /** The folder with the accounts, as `tollgate-fleet enrol` writes them; without it everybody may do everything. */
  accounts?: string | undefined
}

export function createBroker({ accounts }: BrokerOptions = {}): Broker {
  const connections = new Set<{ destroy(): unknown }>()
  let aedes: Aedes | undefined
  let listening: Server[] = []

  async function open({ port = 0, wsPort = 0, host = '127.0.0.1' }: Parameters<Broker['open']>[0]) {
    // Aedes cuts a client off that sends more than this before it is let in; its own limit is 42.
    const rules = accounts === undefined ? {} : doorKeeper(accounts)
    const broker = await Aedes.createBroker({ queueLimit: 100_000, concurrency: 1000, ...rules })
    aedes = broker
    // With Nagle's algorithm an acknowledged message takes 40 ms.
    const tcp = createServer({ noDelay: true }, (socket) => broker.handle(socket))
    const http = createHttpServer({ noDelay: true }, (_request, response) => response.end('MQTT over WebSocket\n'))
    const webSockets = new WebSocketServer({ server: http })
    webSockets.on('connection', (webSocket, request) => broker.handle(createWebSocketStream(webSocket), request))
    // The server of the sockets says the same; without a listener here it would be thrown.
    webSockets.on('error', () => {})
    try {
      const [tcpPort, httpPort] = [await listen(tcp, port, host), await listen(http, wsPort, host)]
      return { port: tcpPort, wsPort: httpPort }
    } catch (error) {
      await close()
      throw error
    }
  }

  async function listen(server: Server, port: number, host: string): Promise<number> {
    server.on('connection', (socket) => {
      connections.add(socket)
      socket.on('close', () => connections.delete(socket))
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, host, () => resolve())
    })
    listening.push(server)
    return (server.address() as AddressInfo).port
  }

  async function close(): Promise<void> {
    const closed = listening.map((server) => new Promise<void>((resolve) => server.close(() => resolve())))
    listening = []
    await new Promise<void>((resolve) => (aedes ? aedes.close(() => resolve()) : resolve()))
    for (const connection of connections) connection.destroy()
    await Promise.all(closed)
  }

  return { open, close }
}
