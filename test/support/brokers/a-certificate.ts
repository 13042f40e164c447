// A certificate for this machine, made on the spot, and a door with it in front of something that knows no TLS.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'
import { generate, type SubjectAltNameEntry } from 'selfsigned'

export async function aCertificate(): Promise<{ certFile: string; keyFile: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-certificate-'))
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const altNames: SubjectAltNameEntry[] = [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
  ]
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames }],
  })
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return { certFile, keyFile }
}

/** TLS outside, plain TCP to that port inside. */
export async function tlsDoor(
  { certFile, keyFile }: { certFile: string; keyFile: string },
  inside: number,
): Promise<{ port: number; close(): void }> {
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (socket) => {
    sockets.add(socket)
    const plain = connect({ port: inside, host: '127.0.0.1', noDelay: true })
    for (const end of [socket, plain]) end.on('error', () => {}).on('close', () => [socket, plain].map(destroy))
    socket.pipe(plain).pipe(socket)
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

const destroy = (socket: { destroy(): unknown }) => socket.destroy()
