// Proves that a connection is made with the files as they are now, that a renewal is noticed, and that one that is half done keeps
// what was good, with a warning that a person can act on.
import { readFileSync, writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { createCredentials } from '../../../agent/uplink/credentials.ts'
import { anAuthority } from '../../support/brokers/an-authority.ts'
import { fakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'

const authority = anAuthority()
afterAll(authority.close)
const log = { info: () => {}, warn: () => {} }

/** The clock stands a minute from now, so that all certificates of this test are valid. */
function someFiles(pair = authority.issue('r1')) {
  const clock = fakeClock()
  clock.jumpWall(Date.now() + 60_000 - clock.wall())
  const { caFile } = authority
  const faults = new Map<string, Error>()
  const files = createCredentials({ ...pair, caFile }, clock, log, async (path) => {
    const fault = faults.get(path)
    if (fault) throw fault
    return readFileSync(path)
  })
  return { ...pair, clock, files, faults }
}

const fault = (code: string) => Object.assign(new Error(`${code}: what the system says, open '/x'`), { code })

it('reads nothing where no file is named', async () => {
  const files = createCredentials({}, fakeClock(), log, async () => Promise.reject(new Error('read')))

  expect([await files.read(), files.warnings]).toEqual([{}, []])
})

it('takes a password without the blanks around it', async () => {
  const files = createCredentials({ passwordFile: '/p' }, fakeClock(), log, async () => Buffer.from(' secret\n'))

  expect(await files.read()).toEqual({ password: 'secret' })
})

describe('a certificate that is renewed', () => {
  it('is used by the next connection, and asks for it once', async () => {
    const { certFile, clock, files } = someFiles()
    const over = new AbortController()
    let asked = 0
    const before = await files.read()
    void files.follow(() => asked++, over.signal)
    await clock.advance(20_000)
    expect(asked).toBe(0)
    authority.issue('r1')
    // Real files are read outside the virtual time.
    await until(async () => {
      await clock.advance(5000)
      return asked > 0
    })
    const after = await files.read()
    await clock.advance(20_000)

    expect(after.cert).toEqual(readFileSync(certFile))
    expect(after.cert).not.toEqual(before.cert)
    expect(asked).toBe(1)
    over.abort()
  })

  it('is not used before its key is there too', async () => {
    const { certFile, keyFile, files } = someFiles()
    const before = await files.read()
    writeFileSync(certFile, readFileSync(authority.issue('r2').certFile))

    expect(await files.read()).toEqual(before)
    expect(files.warnings).toEqual([
      `the key in ${keyFile} is not that of the certificate in ${certFile}: until it is mended the agent connects with what was there before`,
    ])
    authority.issue('r1')
    await files.read()
    expect(files.warnings).toEqual([])
  })
})

it.each([
  { code: 'EACCES', says: 'may not be read by the user that the agent runs as (EACCES)' },
  { code: 'ENOENT', says: 'is not there (ENOENT)' },
  { code: 'EIO', says: 'cannot be read: its disk fails (EIO)' },
  { code: 'EWHAT', says: 'cannot be read (EWHAT)' },
])('keeps what was good while a file $says, and connects with nothing if that never was', async ({ code, says }) => {
  const { keyFile, files, faults } = someFiles()
  const never = createCredentials({ keyFile }, fakeClock(), log, async () => Promise.reject(fault(code)))
  const before = await files.read()
  faults.set(keyFile, fault(code))

  expect(await files.read()).toEqual(before)
  expect(files.warnings[0]).toContain(`${keyFile} ${says}: until it is mended`)
  await expect(never.read()).rejects.toThrow(`${keyFile} ${says}`)
})

it.each([
  { file: 'certFile', text: 'nothing', says: 'has no certificate in PEM' },
  { file: 'keyFile', text: 'nothing', says: 'has no private key in PEM without a passphrase' },
  {
    file: 'certFile',
    text: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    says: 'has a certificate that cannot be read',
  },
] as const)('says that $file $says', async ({ file, text, says }) => {
  const pair = authority.issue('broken')
  writeFileSync(pair[file], text)

  await expect(someFiles(pair).files.read()).rejects.toThrow(`${pair[file]} ${says}`)
})

it('gives up on a disk that hangs, and says so', async () => {
  const clock = fakeClock()
  const files = createCredentials({ caFile: '/ca' }, clock, log, () => new Promise(() => {}))
  const reading = files.read()
  reading.catch(() => {})
  await clock.advance(2000)

  await expect(reading).rejects.toThrow('their disk hangs')
})

const day = 86_400_000

it.each([
  { when: 'long before', passed: 0, says: [] },
  { when: 'two weeks before', passed: 352 * day, says: [/^the agent's certificate .*r1.crt expires on 20/] },
  { when: 'after', passed: 366 * day, says: [/^the agent's certificate .*r1.crt has expired on 20/] },
  { when: 'before its time', passed: -day, says: [/^the agent's certificate .*r1.crt is not valid before 20/] },
])('says $when a certificate ends what is to be done', async ({ passed, says }) => {
  const { clock, files, certFile, keyFile } = someFiles()
  const own = createCredentials({ certFile, keyFile }, clock, log)
  await own.read()
  await files.read()
  clock.jumpWall(passed)

  expect(own.warnings.map((text) => says.some((expected) => expected.test(text)))).toEqual(says.map(() => true))
  // The authority's own certificate is as old.
  expect(files.warnings).toHaveLength(2 * says.length)
  clock.setSynced(false)
  expect(files.warnings).toEqual([])
})
