// Proves what the command line prints, and how it ends.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { run } from '../../cli/program.ts'
import { aBroker } from '../support/brokers/a-broker.ts'
import { accepted, aMac, aSession, ended, r1, rejected, started, status } from '../support/messages.ts'
import { type PaperRouter, paperRouter } from '../support/paper-router.ts'

let url = ''
const ends: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  const broker = await aBroker()
  url = broker.url
  ends.push(broker.close)
})
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

async function aRouter(answers: Parameters<typeof paperRouter>[1] = {}): Promise<PaperRouter> {
  const router = await paperRouter(url, answers)
  ends.push(router.close)
  await router.say('status', status(0), true)
  return router
}

async function ran(
  line: string | readonly string[],
  options: { end?: AbortController; onLine?: (line: string) => void } = {},
) {
  const { end = new AbortController(), onLine } = options
  let [out, err] = ['', '']
  const code = await run(typeof line === 'string' ? line.split(' ') : line, {
    output: {
      out(text) {
        out += text
        onLine?.(text)
      },
      err: (text) => {
        err += text
      },
      isColoured: false,
      width: 200,
    },
    env: { TOLLGATE_URL: url },
    end: end.signal,
    pageFolder: 'dist/page',
  })
  return { code, out: out.trimEnd().split('\n'), err: err.trimEnd().split('\n') }
}

// commander reads the environment of the process.
beforeEach(() => {
  process.env.TOLLGATE_URL = url
})
afterEach(() => {
  delete process.env.TOLLGATE_URL
})

const purchase = ['buy', '--router', 'r1', '--mac', aMac, '--amount', '1', '--id', 'p1']
const first = 'r1: purchase p1 for 02:74:00:01:00:01'
const waiting = 'waiting for the gate: the device must be on the Wi-Fi and have seen its portal page (Ctrl-C leaves)'

describe('buy', () => {
  it('tells of the purchase until the gate is open', async () => {
    await aRouter({ purchase: () => [accepted(1, { purchaseId: 'p1' }), started(2), ended(3)] })
    const { code, out } = await ran(purchase)
    expect(out).toEqual([first, 'accepted: 1 kB in session s1', waiting, 'gate open 312 ms after the purchase'])
    expect(code).toBe(0)
  })

  it('goes on to the end when asked to follow', async () => {
    await aRouter({ purchase: () => [accepted(1, { purchaseId: 'p1' }), started(2), ended(3)] })
    const { out } = await ran([...purchase, '--follow'])
    expect(out.at(-1)).toBe('02:74:00:01:00:01 is offline: allotment-used, used 1 kB')
  })

  it('does not wait for a gate that is open already', async () => {
    await aRouter({ purchase: () => [accepted(1, { purchaseId: 'p1', session: aSession() })] })
    const { code, out } = await ran(purchase)
    expect([code, out.at(-1)]).toEqual([0, 'the gate is open already; left are 1 kB'])
  })

  it('tells why it was refused, and JSON to programs', async () => {
    await aRouter({ purchase: () => [rejected()] })
    const { code, err } = await ran(purchase)
    expect([code, err]).toEqual([1, ['refused: below-minimum, too little']])
    const { out } = await ran([...purchase, '--json'])
    expect(out.map((line) => JSON.parse(line))).toMatchObject([{ outcome: 'refused', code: 'below-minimum' }])
  })

  it('waits no longer for a gate than it is told, and says that the purchase stands', async () => {
    await aRouter({ purchase: () => [accepted(1, { purchaseId: 'p1' })] })
    const { code, err } = await ran([...purchase, '--within', '1'])
    expect([code, err]).toEqual([3, ['nobody waits any longer; the purchase stands: see tollgate-fleet explain p1']])
  })

  it('says what to check when nobody answers', async () => {
    const { code, err } = await ran([...purchase, '--within', '0'])
    expect(code).toBe(3)
    expect(err.at(-1)).toMatch(/^check the router id/)
    expect(err[0]).toContain('r1 has told the broker nothing of itself')
  })
})

describe('page', () => {
  // The server itself is proved elsewhere: here it ends as soon as it has said where it is.
  const opened = (line: string) => {
    const end = new AbortController()
    return ran(line, { end, onLine: () => end.abort() })
  }

  it('takes its token from a file', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'tollgate-cli-')), 'token')
    writeFileSync(file, 'sixteen-characters-or-more\n')
    const { code, out } = await opened(`page --listen 127.0.0.1:0 --token-file ${file}`)
    expect([code, out[0]]).toEqual([0, expect.stringMatching(/#token=sixteen-characters-or-more$/)])
    const missing = await opened(`page --listen 127.0.0.1:0 --token-file ${file}-not`)
    expect([missing.code, missing.err]).toEqual([2, [`--token-file: ${file}-not cannot be read`]])
  })

  it('has its events from the history or by --from, not both', async () => {
    const { code, err } = await ran('page --database postgres://x --from now')
    expect([code, err]).toEqual([2, ["option '--database <url>' cannot be used with option '--from <where>'"]])
  })
})

describe('what looks', () => {
  it('lists the routers', async () => {
    await aRouter()
    const { code, out } = await ran('ls')
    expect(code).toBe(0)
    expect(out[0]).toMatch(/^ROUTER +STATE +HEARD +SESSIONS +SOLD +WARNINGS$/)
    expect(out[1]).toMatch(/^r1 {6}online {2}\d+ms ago +0 open +nothing$/)
    const json = JSON.parse((await ran('ls --json')).out[0] ?? '')
    expect(json).toMatchObject([{ routerId: 'r1', state: 'online', status: { epoch: 'e1' } }])
  })

  it('says so when there is no router', async () => {
    expect(await ran('ls')).toMatchObject({ code: 3, err: [expect.stringContaining('no router')] })
  })

  it('watches until it is ended', async () => {
    const router = await aRouter()
    const end = new AbortController()
    const watching = ran('watch', { end, onLine: () => end.abort() })
    await expect
      .poll(async () => {
        await router.say('usage', started(2))
        return end.signal.aborted
      })
      .toBe(true)
    expect(await watching).toMatchObject({
      code: 0,
      out: ['12:00:00  r1     02:74:00:01:00:01 is online, 312ms after the purchase'],
    })
  })

  it('replays a journal, and ends with it', async () => {
    const router = await aRouter()
    await router.say('status', status(3), true)
    router.keep([accepted(1), started(2), ended(3)])
    const { code, out } = await ran('replay r1 --from 2 --json')
    expect(code).toBe(0)
    expect(out.map((line) => JSON.parse(line).seq)).toEqual([2, 3])
  })

  it('shows sessions, and explains a purchase whose router nobody named', async () => {
    const story = {
      ...{ purchaseId: 'p1', ofSeq: 1, complete: true, ended: true },
      story: [{ seq: 1, at: '2026', text: 'bought' }],
    }
    const answers = { sessions: { afterSeq: 1, sessions: [aSession()] }, 'purchase.explain': story }
    await aRouter({
      command: ({ command }) => ({ status: 'ok', data: answers[command as keyof typeof answers] }),
    })
    expect((await ran('sessions r1')).out.at(-1)).toMatch(/^02:74:00:01:00:01 {2}open {3}0 B {3}1 kB/)
    expect((await ran('explain p1')).out).toEqual(['p1 at r1', '2026  bought'])
  })
})

describe('what acts', () => {
  it.each([
    { line: `end r1 ${aMac}`, command: { command: 'session.end', mac: aMac } },
    { line: 'pause r1 s1', command: { command: 'session.pause', sessionId: 's1' } },
    { line: `resume r1 ${aMac}`, command: { command: 'session.resume', mac: aMac } },
    { line: `move r1 ${aMac} AC-E0-10-12-2D-75`, command: { from: aMac, to: 'ac:e0:10:12:2d:75' } },
    { line: 'send r1 {"command":"config","x":1}', command: { command: 'config', x: 1 } },
  ])('$line', async ({ line, command }) => {
    const heard: object[] = []
    await aRouter({
      command(asked) {
        heard.push(asked)
        return { status: 'ok', data: aSession() }
      },
    })
    expect(await ran(line)).toMatchObject({ code: 0 })
    expect(heard).toEqual([expect.objectContaining(command)])
  })

  it('says what the router refused', async () => {
    await aRouter({ command: () => ({ status: 'error', error: { code: 'not-found', message: 'no such session' } }) })
    expect(await ran(`end r1 ${aMac}`)).toMatchObject({ code: 1, err: ['r1: not-found, no such session'] })
  })
})

describe('bad usage', () => {
  test.each([
    ['', 'Usage'],
    ['lx', 'unknown command'],
    ['ls --fast', '--fast'],
    [`buy --mac ${aMac} --amount 1`, '--router'],
    ['buy --router r1 --mac nobody --amount 1', '--mac'],
    [`buy --router r1 --mac ${aMac}`, '--amount'],
    [`buy --router r1 --mac ${aMac} --amount lots`, '--amount'],
    [`buy --router r1 --mac ${aMac} --allotment 5`, '--metric'],
    [`buy --router r1 --mac ${aMac} --amount 1 --metric bytes --allotment 5`, '--allotment'],
    [`buy --router r1 --mac ${aMac} --amount 1 --url nowhere`, 'nowhere'],
    ['sessions r/1', 'router id'],
    ['send r1 nonsense', 'json'],
    ['watch --from nonsense', 'cursor'],
    ['exporter --from yesterday', 'beginning, now'],
    ['page --from yesterday', 'beginning, now'],
    ['sink --database postgres://127.0.0.1:1/x --partition 2/2', '0/2 or 1/2'],
    ['completion tcsh', 'tcsh'],
  ])('of %s ends with 2 and names it, and no help hides it', async (line, named) => {
    const { code, err } = await ran(line === '' ? [] : line)
    expect(code).toBe(2)
    expect(err.join('\n')).toContain(named)
    if (line !== '') expect(err.length).toBeLessThan(3)
  })

  it('is not where no broker is', async () => {
    const ended = ends.splice(0)
    for (const end of ended) await end()
    const { code, err } = await ran('ls')
    expect([code, err]).toEqual([3, [`no connection to ${url}: is the broker running there?`]])
  })
})

describe('help and completion', () => {
  it.each(['key k1 --out /proc/nope', 'enrol r1 --out /proc/nope', 'key k1 --out /dev/null/nope'])(
    '%s says that nothing can be written there, and ends',
    async (line) => {
      const { code, err } = await ran(line)

      expect(code).toBe(2)
      expect(err.join()).toContain('cannot be written')
    },
  )

  it.each(['--help', 'buy --help'])('%s ends with 0', async (line) => {
    expect(await ran(line)).toMatchObject({ code: 0, err: [''] })
  })

  it.each(['bash', 'zsh', 'fish'])('completes in %s every command', async (shell) => {
    const { out } = await ran(`completion ${shell}`)
    for (const name of 'ls watch sessions session buy end pause resume move explain replay send'.split(' ')) {
      expect(out.join('\n')).toMatch(new RegExp(`\\b${name}\\b`))
    }
    expect(r1).toBe('r1')
  })
})
