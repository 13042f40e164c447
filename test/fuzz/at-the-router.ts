// Input of a router from its broker: purchases, signed ones, commands, and MQTT's own packets before they are any of these.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fingerprint } from '../../agent/fingerprint.ts'
import { emptyBooks } from '../../agent/merchant/books.ts'
import { purchaseSession } from '../../agent/merchant/purchase-session.ts'
import { readCommand } from '../../agent/operator/incoming.ts'
import { trustedKeys } from '../../agent/trust/jwks.ts'
import { signaturesFor, signedCommand, signedPurchase } from '../../agent/trust/signatures.ts'
import { createShortener, mostOfAPacket } from '../../agent/uplink/guarded-stream.ts'
import { isReplyTopic } from '../../agent/uplink/names.ts'
import { CommandErrorCode, Purchase, parseCommand, parsePurchase, RefusalCode } from '../../protocol/index.ts'
import { aNow, aRouterId, aTariff } from '../support/builders.ts'
import { aSigner } from '../support/signer.ts'
import { jsonsOf, promise, type Target, textsOf } from './target.ts'

const folder = 'protocol/examples'

/** The examples of the contract whose names begin so. */
export function examples(...starts: string[]): object[] {
  const names = readdirSync(folder).filter((name) => starts.some((start) => name.startsWith(start)))
  return names.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')))
}

/** Whether those bytes may grant anything, by a reading that shares nothing with the agent's. */
export function mayGrant(input: Uint8Array): boolean {
  try {
    const content: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(input))
    const own = (field: string) => Object.getOwnPropertyDescriptor(content, field)?.value
    const [amount, allotment] = [own('amount'), own('allotment')]
    const isPaid = typeof amount === 'number' && amount > 0 && typeof own('unit') === 'string'
    const isGrant =
      Number.isSafeInteger(allotment) && allotment > 0 && ['bytes', 'milliseconds'].includes(own('metric'))
    return typeof own('purchaseId') === 'string' && typeof own('mac') === 'string' && isPaid !== isGrant
  } catch {
    return false
  }
}

const bought = examples('purchase.paid', 'purchase.direct')

const purchase: Target = {
  name: 'purchase',
  samples: jsonsOf(...bought, { ...bought[0], notAfter: '2026-11-22T12:00:00.000Z', startWithin: 1000, source: 'x' }),
  check(input) {
    const read = parsePurchase(input)
    const content = fingerprint(read, 'bytes')
    const sale = purchaseSession(emptyBooks('e1'), read, content, aTariff(), aNow(), () => 's1')
    const isSold = sale.is === 'outcome' && sale.event.type === 'purchase.accepted'
    promise(!isSold || mayGrant(input), 'nothing is granted to what is no purchase')
    if ('unreadable' in read) {
      promise(RefusalCode.safeParse(read.unreadable.code).success, 'a refusal has a code of the closed list')
      return
    }
    const again = parsePurchase(new TextEncoder().encode(JSON.stringify(Purchase.parse(read.purchase))))
    promise(fingerprint(again, 'bytes') === content, 'a purchase is the same when it is written again')
  },
}

const key = await aSigner('fuzz')
const curve = await aSigner('curve', 'ES256')
const keys = trustedKeys(JSON.stringify({ keys: [key.jwk, curve.jwk] }))
const place = { routerId: aRouterId, topicPrefix: 'router' }
const claims = { routerId: aRouterId, iat: 1_700_000_000, exp: 1_700_003_600 }
const order = { transaction: 't1', command: 'session.end', mac: 'ac:e0:10:12:2d:75', ...claims }
const signedPurchases = await Promise.all([key, curve].map((signer) => signer.sign({ ...bought[0], ...claims })))
const signedOrder = await key.sign(order, { typ: 'command+jws' })
const openPurchase = signaturesFor(signedPurchase, place, () => keys)
const openCommand = signaturesFor(signedCommand, place, () => keys)

const jws: Target = {
  name: 'jws',
  samples: jsonsOf(...signedPurchases.map((compact) => ({ jws: compact }))),
  check(input) {
    const opened = openPurchase({ payload: input, bytes: input.length })
    if ('fault' in opened) return promise(opened.fault !== '', 'a fault is said in words')
    const signed = signedPurchases.map((compact) => compact.split('.')[1])
    promise(signed.includes(opened.payload.toString('base64url')), 'nothing is opened but what was signed')
  },
}

const command: Target = {
  name: 'command',
  samples: jsonsOf(...examples('command.', 'query.'), { jws: signedOrder }),
  check(input) {
    const message = { payload: input, bytes: input.length, retained: false, isMisdirected: false }
    const readings = (['command', 'query'] as const).map((channel) => readCommand({ ...message, channel }, openCommand))
    for (const read of [parseCommand(input), ...readings]) {
      if ('error' in read)
        promise(CommandErrorCode.safeParse(read.error.code).success, 'an error has a code of the list')
    }
    const acts = readings.filter((read) => 'command' in read && read.command.command.startsWith('session.'))
    const isSigned = Buffer.from(input).includes(signedOrder.split('.')[2] ?? '-')
    promise(acts.length === 0 || isSigned, 'nothing acts that is not signed')
  },
}

const connect = Buffer.from('20020000', 'hex')
const publishOf = (length: number) => {
  const body = Buffer.concat([Buffer.from('\0\x12router/r1/purchase\0\x07\0'), Buffer.alloc(length, 'x')])
  const size = [(body.length & 127) | 128, ((body.length >> 7) & 127) | 128, (body.length >> 14) & 127]
  return Buffer.concat([Buffer.of(0x32, ...size), body])
}

const packets: Target = {
  name: 'packets',
  samples: [connect, publishOf(200), Buffer.concat([publishOf(40_000), publishOf(300)])],
  check(input) {
    for (const hasProperties of [false, true]) {
      let cut = 0
      const shorten = createShortener(hasProperties, () => cut++)
      const pieces = [input.subarray(0, 5), input.subarray(5)].flatMap((chunk) => shorten(Buffer.from(chunk)).pieces)
      const passed = pieces.reduce((sum, piece) => sum + piece.length, 0)
      promise(passed <= input.length + 5 * cut + 5, 'no packet grows')
      promise(input.length < mostOfAPacket || cut > 0 || passed <= input.length, 'a long message is cut')
    }
  },
}

const topics: Target = {
  name: 'topics',
  samples: textsOf('router/r1/reply', 'router/r1/reply/abc', 'router/r2/reply', 'router/r1/reply/purchase'),
  check(input) {
    const topic = new TextDecoder().decode(input)
    const isOwn = /^router\/r1\/reply(\/[\w-]{1,64})?$/.test(topic)
    promise(!isReplyTopic(topic, aRouterId, 'router') || isOwn, 'a reply goes nowhere but below its own topic')
  },
}

export const atTheRouter = [purchase, jws, command, packets, topics]
