// The development broker as a program; `BROKER_PORT`, `BROKER_WS_PORT` and `BROKER_HOST` say where it listens, `BROKER_ACCOUNTS` who may
// do what.
import * as z from 'zod'
import { readEnvironment } from '../environment.ts'
import { createBroker } from './broker.ts'

const Environment = z.object({
  BROKER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(1883)
    .meta({ description: 'a port from 0 to 65535; 0 takes a free one' }),
  BROKER_WS_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8083)
    .meta({ description: 'a port from 0 to 65535 for WebSocket; 0 takes a free one' }),
  BROKER_ACCOUNTS: z
    .string()
    .optional()
    .meta({ description: 'a folder of accounts that `tollgate-fleet enrol` made: the same rules as at a Mosquitto' }),
  BROKER_HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'the address to listen at' }),
})

const { BROKER_PORT, BROKER_WS_PORT, BROKER_HOST, BROKER_ACCOUNTS } = readEnvironment(
  'The development broker: everybody may do everything, unless there are accounts.',
  Environment,
  process.env,
)
const broker = createBroker({ accounts: BROKER_ACCOUNTS })
const ports = await broker.open({ port: BROKER_PORT, wsPort: BROKER_WS_PORT, host: BROKER_HOST })
console.log(`broker: mqtt://${BROKER_HOST}:${ports.port} and ws://${BROKER_HOST}:${ports.wsPort}`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void broker.close().then(() => process.exit(0)))
}
