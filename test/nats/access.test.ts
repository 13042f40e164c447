// Proves that the same accounts may do the same at a NATS cluster, through the doors of its nodes.
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { accessCasesAt, type Doors, someAccounts } from '../brokers/access.cases.ts'
import { natsMissing, openNats } from '../support/brokers/nats.ts'

let folder = ''
beforeAll(() => {
  folder = someAccounts()
})
afterAll(() => rmSync(folder, { recursive: true }))

async function secureNats(): Promise<Doors> {
  const [list, password] = ['users.conf', 'admin/password'].map((file) =>
    readFileSync(join(folder, file), 'utf8').trim(),
  )
  const one = { username: 'admin', password: password ?? '' }
  const cluster = await openNats({ users: { list: list ?? '', one }, hasDoors: true })
  copyFileSync(cluster.caFile, join(folder, 'ca.crt'))
  // A victim and a thief at different nodes, an outcome that crosses between them.
  const [router = '', other = ''] = [cluster.doors.router[0], cluster.doors.other[1]]
  return { urls: { router, other }, close: cluster.close }
}

accessCasesAt({ name: 'NATS', missing: natsMissing, open: secureNats }, () => folder)
