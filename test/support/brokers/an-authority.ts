// A certificate authority made on the spot by openssl, as an operator of a fleet would have one: it issues certificates to the
// broker and to whoever connects.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Pair {
  certFile: string
  keyFile: string
}

export interface Authority {
  /** Its own certificate. */
  caFile: string
  /** A certificate with that common name and its key. The same name again puts others into place, each at once. */
  issue(name: string, days?: number): Pair
  close(): void
}

/** `names`: more than localhost, as `DNS:` and `IP:`, in each certificate that it issues. */
export function anAuthority(names: readonly string[] = []): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-authority-'))
  const [caFile, caKey] = [join(folder, 'ca.crt'), join(folder, 'ca.key')]
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', caKey, '-out', caFile, '-days', '365', '-subj', '/CN=a fleet')
  const all = ['DNS:localhost', 'IP:127.0.0.1', ...names]
  writeFileSync(join(folder, 'names'), `subjectAltName=${all.join(',')}\n`)
  return {
    caFile,
    issue(name, days = 365) {
      const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
      const request = join(folder, `${name}.csr`)
      openssl('req', ...newKey, '-keyout', `${keyFile}.new`, '-out', request, '-subj', `/CN=${name}`)
      const by = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial', '-extfile', join(folder, 'names')]
      openssl('x509', '-req', '-in', request, ...by, '-days', String(days), '-out', `${certFile}.new`)
      renameSync(`${keyFile}.new`, keyFile)
      renameSync(`${certFile}.new`, certFile)
      return { certFile, keyFile }
    },
    close: () => rmSync(folder, { recursive: true }),
  }
}
