// Proves that a certificate is never shown over a stream that others can read.
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { streamTo } from '../../../agent/uplink/stream.ts'
import { aCertificate, tlsDoor } from '../../support/brokers/a-certificate.ts'

const certificate = await aCertificate()

describe('the stream to a broker', () => {
  const echo = createServer((socket: Socket) => void socket.pipe(socket).on('error', () => {}))
  let door: Awaited<ReturnType<typeof tlsDoor>>
  beforeEach(async () => {
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve))
    door = await tlsDoor(certificate, (echo.address() as AddressInfo).port)
  })
  afterEach(() => {
    door.close()
    echo.close()
  })

  it.each(['mqtts', 'wss'])('refuses a %s:// broker that nobody vouches for', async (scheme) => {
    const open = await streamTo({ url: `${scheme}://localhost:${door.port}` }, {})
    const fault = await new Promise((resolve) => open().on('error', resolve))
    expect(fault).toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  it('speaks TLS at a mqtt:// address too when a certificate is shown', async () => {
    const [cert, key] = [readFileSync(certificate.certFile), readFileSync(certificate.keyFile)]
    const open = await streamTo({ url: `mqtt://localhost:${door.port}` }, { ca: cert, cert, key })
    const stream = open()
    const answer = await new Promise((resolve) => stream.on('data', resolve).write('hello'))
    stream.destroy()
    expect(String(answer)).toBe('hello')
  })
})
