// The sample backend as a program; `BACKEND_PORT`, `BACKEND_HOST` and `BACKEND_MQTT_URL` say where, `BACKEND_FOLDER` where it
// keeps what it must not forget, `BACKEND_WEBHOOK` whom it tells.
import * as z from 'zod'
import { BrokerUrls, readEnvironment } from '../environment.ts'
import { type BrokerAccess, createBackend } from './backend.ts'
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
  BACKEND_MQTT_URL: BrokerUrls.default('mqtt://127.0.0.1:1883').meta({
    description: 'the URL of the broker, or several',
  }),
  BACKEND_USERNAME: z.string().optional().meta({ description: 'the name that the broker knows it by' }),
  BACKEND_PASSWORD_FILE: z.string().optional().meta({ description: 'a file with its password there' }),
  BACKEND_CA: z.string().optional().meta({ description: 'a file: the authority that vouches for the broker' }),
  BACKEND_CERT: z.string().optional().meta({ description: 'a file: its own certificate' }),
  BACKEND_KEY: z.string().optional().meta({ description: 'a file: the key of that' }),
  BACKEND_FOLDER: z
    .string()
    .min(1)
    .default('./state/backend')
    .meta({ description: 'a folder for what it must not forget' }),
  BACKEND_WEBHOOK: z.url().optional().meta({ description: 'a URL that is told every outcome' }),
})

const settings = readEnvironment('The sample backend: sells over HTTP.', Environment, process.env)
const { BACKEND_PORT: port, BACKEND_HOST: host, BACKEND_MQTT_URL: url, BACKEND_WEBHOOK: webhook } = settings
const access: BrokerAccess = {
  ...(settings.BACKEND_USERNAME !== undefined && { username: settings.BACKEND_USERNAME }),
  ...(settings.BACKEND_PASSWORD_FILE !== undefined && { passwordFile: settings.BACKEND_PASSWORD_FILE }),
  ...(settings.BACKEND_CA !== undefined && { ca: settings.BACKEND_CA }),
  ...(settings.BACKEND_CERT !== undefined && { cert: settings.BACKEND_CERT }),
  ...(settings.BACKEND_KEY !== undefined && { key: settings.BACKEND_KEY }),
}
const told = webhook !== undefined && { webhook }
const backend = createBackend({ url, access, folder: settings.BACKEND_FOLDER, ...told })
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
