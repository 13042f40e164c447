// The sample backend as a program; `BACKEND_PORT`, `BACKEND_HOST` and `BACKEND_MQTT_URL` say where, `BACKEND_FOLDER` where it
// keeps what it must not forget, `BACKEND_WEBHOOK` whom it tells.
import * as z from 'zod'
import { readEnvironment } from '../environment.ts'
import { createBackend } from './backend.ts'
import { createBackendServer } from './backend-http.ts'

const Environment = z.object({
  BACKEND_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65535)
    .default(8080)
    .meta({ description: 'a port from 0 to 65535; 0 takes a free one' }),
  BACKEND_HOST: z.string().min(1).default('127.0.0.1').meta({ description: 'the address to listen at' }),
  BACKEND_MQTT_URL: z.url().default('mqtt://127.0.0.1:1883').meta({ description: 'the URL of the broker' }),
  BACKEND_FOLDER: z
    .string()
    .min(1)
    .default('./state/backend')
    .meta({ description: 'a folder for what it must not forget' }),
  BACKEND_WEBHOOK: z.url().optional().meta({ description: 'a URL that is told every outcome' }),
})

const settings = readEnvironment('The sample backend: sells over HTTP.', Environment, process.env)
const { BACKEND_PORT: port, BACKEND_HOST: host, BACKEND_MQTT_URL: url, BACKEND_WEBHOOK: webhook } = settings
const backend = createBackend({ url, folder: settings.BACKEND_FOLDER, ...(webhook !== undefined && { webhook }) })
await backend.open()
const server = createBackendServer(backend).listen(port, host, () => {
  const address = server.address()
  const taken = typeof address === 'object' && address ? address.port : port
  console.log(`backend: POST http://${host}:${taken}/buy, selling over ${url}`)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
    void backend.close().then(() => process.exit(0))
  })
}
