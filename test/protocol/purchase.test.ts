// Proves that a purchase is read from the wire in every spelling of the contract, and that anything else is refused by
// its code: never a throw, whatever the bytes.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { largestMessageBytes, parsePurchase, RefusalCode } from '../../protocol/index.ts'

const paid = { purchaseId: 'p1', mac: 'ac:e0:10:12:2d:75', amount: 31, unit: 'sat' }
const grant = { purchaseId: 'p1', mac: 'ac:e0:10:12:2d:75', metric: 'bytes', allotment: 1000 }
const bytesOf = (message: unknown) =>
  message instanceof Uint8Array
    ? message
    : new TextEncoder().encode(typeof message === 'string' ? message : JSON.stringify(message))
const a = (fields: object) => ({ ...paid, ...fields })
const without = (field: string, from: object) => ({ ...from, [field]: undefined })

describe('parsePurchase takes', () => {
  test.each([
    { what: 'what was paid', message: paid, purchase: paid },
    { what: 'a direct grant', message: grant, purchase: grant },
    { what: 'any spelling of the MAC', message: { ...paid, mac: 'ACE010122D75' }, purchase: paid },
    {
      what: 'all fields',
      message: { ...paid, source: 'mint', metric: 'bytes', reference: 'r', notAfter: '2026-11-22T12:00:00+01:00' },
      purchase: { ...paid, source: 'mint', metric: 'bytes', reference: 'r', notAfter: '2026-11-22T12:00:00+01:00' },
    },
    {
      what: 'unknown fields, which it ignores',
      message: { ...paid, colour: 'blue', nested: { a: [1] } },
      purchase: paid,
    },
    {
      what: 'an amount of 0, which the price list judges',
      message: { ...paid, amount: 0 },
      purchase: { ...paid, amount: 0 },
    },
    { what: 'a decimal amount', message: { ...paid, amount: 0.1 }, purchase: { ...paid, amount: 0.1 } },
    {
      what: 'the largest allotment',
      message: { ...grant, allotment: 2 ** 53 - 1 },
      purchase: { ...grant, allotment: 2 ** 53 - 1 },
    },
    {
      what: 'an allotment of 0, which the router judges',
      message: { ...grant, allotment: 0 },
      purchase: { ...grant, allotment: 0 },
    },
    {
      what: 'a byte order mark',
      message: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytesOf(paid)]),
      purchase: paid,
    },
    { what: 'a message of 16 KiB', message: JSON.stringify(paid).padEnd(largestMessageBytes), purchase: paid },
  ])('$what', ({ message, purchase }) => {
    expect(parsePurchase(bytesOf(message))).toEqual({ purchase })
  })
})

describe('parsePurchase refuses', () => {
  test.each([
    { code: 'invalid-message', what: 'nothing', message: '' },
    { code: 'invalid-message', what: 'no JSON', message: '{"purchaseId":' },
    { code: 'invalid-message', what: 'two objects', message: '{}{}' },
    { code: 'invalid-message', what: 'no UTF-8', message: Buffer.from([0x7b, 0xff, 0x7d]) },
    {
      code: 'invalid-message',
      what: 'text that is cut inside a character',
      message: Buffer.from('"\u00e9').subarray(0, 2),
    },
    {
      code: 'invalid-message',
      what: 'a byte more than 16 KiB',
      message: JSON.stringify(paid).padEnd(largestMessageBytes + 1),
    },
    { code: 'invalid-message', what: 'an array', message: [paid] },
    { code: 'invalid-message', what: 'null', message: 'null' },
    { code: 'invalid-message', what: 'a number', message: '5' },
    { code: 'invalid-message', what: 'an empty object', message: {} },
    { code: 'invalid-message', what: 'both forms', message: { ...paid, ...grant } },
    { code: 'invalid-message', what: 'both forms, one of them wrong', message: { ...paid, allotment: 'x' } },
    { code: 'invalid-message', what: 'neither form', message: { purchaseId: 'p1', mac: paid.mac } },
    { code: 'invalid-message', what: 'no purchaseId', message: without('purchaseId', paid) },
    { code: 'invalid-message', what: 'a purchaseId with a blank', message: { ...paid, purchaseId: 'a b' } },
    {
      code: 'invalid-message',
      what: 'a purchaseId of 129 characters',
      message: { ...paid, purchaseId: 'x'.repeat(129) },
    },
    { code: 'invalid-message', what: 'a purchaseId that is a number', message: { ...paid, purchaseId: 7 } },
    { code: 'invalid-message', what: 'no MAC', message: without('mac', paid) },
    { code: 'invalid-message', what: 'a MAC that is a number', message: { ...paid, mac: 5 } },
    { code: 'invalid-message', what: 'no unit', message: without('unit', paid) },
    { code: 'invalid-message', what: 'no amount', message: without('amount', paid) },
    { code: 'invalid-message', what: 'an amount below 0', message: { ...paid, amount: -1 } },
    { code: 'invalid-message', what: 'an amount in text', message: { ...paid, amount: '31' } },
    { code: 'invalid-message', what: 'an amount of 1e400', message: JSON.stringify(paid).replace('31', '1e400') },
    { code: 'invalid-message', what: 'no metric', message: without('metric', grant) },
    { code: 'invalid-message', what: 'no allotment', message: without('allotment', grant) },
    { code: 'invalid-message', what: 'half a byte', message: { ...grant, allotment: 0.5 } },
    { code: 'invalid-message', what: 'an allotment below 0', message: { ...grant, allotment: -1 } },
    { code: 'invalid-message', what: 'an allotment in text', message: { ...grant, allotment: '1000' } },
    { code: 'invalid-message', what: 'a metric that is a number', message: { ...grant, metric: 1 } },
    {
      code: 'invalid-message',
      what: 'a reference of 257 characters',
      message: { ...paid, reference: 'x'.repeat(257) },
    },
    {
      code: 'invalid-message',
      what: 'a deadline without offset',
      message: { ...paid, notAfter: '2026-11-22T12:00:00' },
    },
    { code: 'invalid-message', what: 'a bad MAC and a bad amount', message: { ...paid, mac: '02:66', amount: -1 } },
    { code: 'invalid-mac', what: 'a MAC that is none', message: { ...paid, mac: '02:66' } },
    { code: 'invalid-mac', what: 'a bad MAC and an unknown metric', message: { ...grant, mac: '', metric: 'hours' } },
    { code: 'unsupported-metric', what: 'an unknown metric', message: { ...grant, metric: 'hours' } },
    { code: 'unsupported-metric', what: 'an unknown metric of a payment', message: { ...paid, metric: 'hours' } },
    { code: 'allotment-overflow', what: 'an allotment of 2^53', message: { ...grant, allotment: 2 ** 53 } },
    { code: 'allotment-overflow', what: 'an allotment of 1e300', message: { ...grant, allotment: 1e300 } },
  ])('$what with $code', ({ code, message }) => {
    expect(parsePurchase(bytesOf(message))).toMatchObject({ unreadable: { code, message: expect.stringMatching(/./) } })
  })

  it('an allotment of 1e400 as a whole', () => {
    const message = JSON.stringify(grant).replace('1000', '1e400')

    expect(parsePurchase(bytesOf(message))).toMatchObject({ unreadable: { purchaseId: 'p1' } })
  })

  it('and gives back as much as could be read', () => {
    expect(parsePurchase(bytesOf({ ...paid, mac: 'AC-E0-10-12-2D-75', amount: -1, reference: 'r' }))).toMatchObject({
      unreadable: {
        purchaseId: 'p1',
        mac: 'ac:e0:10:12:2d:75',
        reference: 'r',
        message: expect.stringContaining('amount'),
      },
    })
  })

  test.each([
    { id: 'order 17', sentId: 'order 17' },
    { id: 17, sentId: '17' },
    { id: 'x'.repeat(200), sentId: 'x'.repeat(128) },
    { id: 'grün', sentId: 'grün' },
  ])('and names the id as it was sent: $sentId', ({ id, sentId }) => {
    expect(parsePurchase(bytesOf(a({ purchaseId: id })))).toMatchObject({ unreadable: { sentId } })
  })

  test.each(['00:00:00:00:00:00', 'ff:ff:ff:ff:ff:ff', '01:00:5e:00:00:01', '33-33-00-00-00-01'])(
    '%s, which is the address of no device',
    (mac) => {
      expect(parsePurchase(bytesOf(a({ mac })))).toMatchObject({ unreadable: { code: 'invalid-mac' } })
    },
  )

  test.each([
    {
      when: 'an amount is missing',
      message: { purchaseId: 'p', mac: paid.mac, unit: 'sat' },
      says: 'amount is missing: give a number',
    },
    {
      when: 'a unit is missing',
      message: { purchaseId: 'p', mac: paid.mac, amount: 1 },
      says: 'unit is missing: give',
    },
    {
      when: 'nothing is bought',
      message: { purchaseId: 'p', mac: paid.mac },
      says: 'give amount and unit, or metric and allotment',
    },
    { when: 'a MAC is none', message: a({ mac: 'phone' }), says: 'mac cannot be "phone": give one device' },
    { when: 'both are given', message: a({ allotment: 5 }), says: 'both a payment and an allotment are given' },
  ])('in words that name the field when $when', ({ message, says }) => {
    expect(parsePurchase(bytesOf(message))).toMatchObject({ unreadable: { message: expect.stringContaining(says) } })
  })

  test.each(['1.2345678901234567', '1234567890123456', '0.00012345678901234567', '9007199254740993'])(
    'an amount of more than 15 digits: %s',
    (amount) => {
      const text = JSON.stringify(a({ amount: 'AMOUNT' })).replace('"AMOUNT"', amount)

      expect(parsePurchase(new TextEncoder().encode(text))).toMatchObject({ unreadable: { code: 'invalid-message' } })
    },
  )

  test.each(['1.50', '100000000000000000000', '0.000000000000000000000000000012', '123456789012345'])(
    'no amount of up to 15 significant digits: %s',
    (amount) => {
      const text = JSON.stringify(a({ amount: 'AMOUNT' })).replace('"AMOUNT"', amount)

      expect(parsePurchase(new TextEncoder().encode(text))).toHaveProperty('purchase')
    },
  )

  it('and gives back nothing that is itself wrong', () => {
    const { unreadable } = parsePurchase(bytesOf({ purchaseId: 'a b', mac: '02', reference: 5 })) as {
      unreadable: object
    }

    expect(Object.keys(unreadable).sort()).toEqual(['code', 'content', 'message', 'sentId'])
  })
})

describe('parsePurchase never throws', () => {
  const sound = (payload: Uint8Array) => {
    const read = parsePurchase(payload)
    if ('unreadable' in read) expect(RefusalCode.options).toContain(read.unreadable.code)
    else expect(read.purchase.mac).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)
  }

  it('on any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), sound))
  })

  it('on any JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => sound(bytesOf(text))))
  })

  it('on anything in the fields of a purchase', () => {
    const anything = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(paid.mac, 'bytes', 'sat', 'p1', 1, 2 ** 53, '2026-11-22T12:00:00Z'),
    )
    const fields = [
      'purchaseId',
      'mac',
      'amount',
      'unit',
      'source',
      'metric',
      'allotment',
      'reference',
      'notAfter',
      '__proto__',
    ]
    const purchases = fc.dictionary(fc.constantFrom(...fields), anything)
    fc.assert(
      fc.property(purchases, (purchase) => sound(bytesOf({ ...paid, ...purchase }))),
      { numRuns: 500 },
    )
  })

  it('on 16 KiB of levels', () => {
    sound(bytesOf(`{"purchaseId":"p1","mac":"x","deep":${'['.repeat(8000)}${']'.repeat(8000)}}`))
  })
})
