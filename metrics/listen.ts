// Serves metrics: `/metrics` in the format that is asked for, `/healthz` for a watchdog.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ListenAddress } from './address.ts'
import { contentTypes, exposed, type Family, formatFor } from './exposition.ts'

export interface Answers {
  families(): readonly Family[] | Promise<readonly Family[]>
  /** Why it is not well; nothing when it is. */
  fault(): string | undefined
}

export interface Listening {
  url: string
  close(): Promise<void>
}

/** Rejects when it cannot listen there. */
export async function listen({ host, port }: ListenAddress, answers: Answers): Promise<Listening> {
  const server = createServer((request, response) => {
    answer(request, response, answers).catch((error) => {
      // A scraper that goes away in the middle is no fault.
      if (response.headersSent) response.destroy()
      else say(response, 500, `${error}\n`)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { address, port: bound, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${bound}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, answers: Answers): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'only GET\n')
  const [path] = (request.url ?? '').split('?')
  if (path === '/healthz') {
    const fault = answers.fault()
    return say(response, fault === undefined ? 200 : 503, `${fault ?? 'ok'}\n`)
  }
  if (path !== '/metrics') return say(response, 404, 'there are /metrics and /healthz\n')
  const format = formatFor(request.headers.accept)
  const families = await answers.families()
  response.writeHead(200, { 'content-type': contentTypes[format] })
  await pipeline(Readable.from(exposed(families, format)), response)
}

function say(response: ServerResponse, code: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}
