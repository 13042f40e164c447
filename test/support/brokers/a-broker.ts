// The development broker on a free port, until it is closed.
import { type BrokerPorts, createBroker } from '../../../broker-dev/broker/broker.ts'

export async function aBroker(): Promise<{ url: string; ports: BrokerPorts; close(): Promise<void> }> {
  const broker = createBroker()
  const ports = await broker.open({ port: 0, wsPort: 0 })
  return { url: `mqtt://127.0.0.1:${ports.port}`, ports, close: broker.close }
}
