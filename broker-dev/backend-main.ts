// The sample backend as a program; `BACKEND_PORT`, `BACKEND_HOST` and `BACKEND_MQTT_URL` say where.
import * as z from 'zod'
import { createBackend } from './backend.ts'
import { createBackendServer } from './backend-http.ts'
import { readEnvironment } from './environment.ts'

const Environment = z.object({
  BACKEND_PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  BACKEND_HOST: z.string().min(1).default('127.0.0.1'),
  BACKEND_MQTT_URL: z.url().default('mqtt://127.0.0.1:1883'),
})

const { BACKEND_PORT, BACKEND_HOST, BACKEND_MQTT_URL } = readEnvironment(Environment, process.env)
const backend = createBackend({ url: BACKEND_MQTT_URL })
await backend.open()
const server = createBackendServer(backend).listen(BACKEND_PORT, BACKEND_HOST, () => {
  console.log(`backend: POST http://${BACKEND_HOST}:${BACKEND_PORT}/buy, selling over ${BACKEND_MQTT_URL}`)
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    server.close()
    server.closeAllConnections()
    void backend.close().then(() => process.exit(0))
  })
}
