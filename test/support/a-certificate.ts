// A certificate for this machine, made on the spot, and a door with it in front of something that knows no TLS.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, type TLSSocket } from 'node:tls'

export const whyNoCertificate = spawnSync('openssl', ['version']).error
  ? 'openssl is not installed: apt-get install openssl'
  : undefined

export function aCertificate(): { certFile: string; keyFile: string } {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-certificate-'))
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', keyFile]
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const made = spawnSync('openssl', ['req', '-x509', '-days', '2', ...key, ...name, '-out', certFile])
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`)
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
