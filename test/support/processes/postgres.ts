// Debian's PostgreSQL in a folder of its own, reached by a socket there.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const versions = '/usr/lib/postgresql'
const [version] = existsSync(versions) ? readdirSync(versions) : []

export const isMissing = version === undefined
if (isMissing && process.env.CI) throw new Error('postgresql is not installed')

export interface Postgres {
  url: string
  /** Away as if the machine were switched off, and back with what was committed. */
  stop(): void
  start(): void
  close(): void
}

export function openPostgres(): Postgres {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-postgres-'))
  const data = join(folder, 'data')
  chmodSync(folder, 0o777)

  function run(program: string, ...args: string[]): void {
    const path = join(versions, version ?? '', 'bin', program)
    const { status, stderr } = spawnSync('runuser', ['-u', 'postgres', '--', path, ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`${program}: ${stderr}`)
  }

  const options = `-c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off`
  const start = () => run('pg_ctl', '-D', data, '-w', '-l', join(data, 'log'), '-o', options, 'start')
  const stop = () => run('pg_ctl', '-D', data, '-m', 'immediate', 'stop')
  run('initdb', '-D', data, '-A', 'trust', '--no-sync')
  start()
  return {
    url: `postgres://postgres@localhost/postgres?host=${folder}`,
    start,
    stop,
    close() {
      stop()
      rmSync(folder, { recursive: true })
    },
  }
}
