// The development broker as a program; `BROKER_PORT`, `BROKER_WS_PORT` and `BROKER_HOST` say where it listens.
import * as z from 'zod'
import { readEnvironment } from '../environment.ts'
import { createBroker } from './broker.ts'

const Environment = z.object({
  BROKER_PORT: z.coerce.number().int().min(0).max(65535).default(1883),
  BROKER_WS_PORT: z.coerce.number().int().min(0).max(65535).default(8083),
  BROKER_HOST: z.string().min(1).default('127.0.0.1'),
})

const { BROKER_PORT, BROKER_WS_PORT, BROKER_HOST } = readEnvironment(Environment, process.env)
const broker = createBroker()
const ports = await broker.open({ port: BROKER_PORT, wsPort: BROKER_WS_PORT, host: BROKER_HOST })
console.log(`broker: mqtt://${BROKER_HOST}:${ports.port} and ws://${BROKER_HOST}:${ports.wsPort}`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void broker.close().then(() => process.exit(0)))
}
