// Proves that every message of the contract has an example, that each is what the schemas say, and that they agree.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, test } from 'vitest'
import type * as z from 'zod'
import {
  Command,
  CommandErrorCode,
  DirectGrant,
  EndReason,
  Event,
  LiveStatus,
  PaidPurchase,
  parsePurchase,
  RefusalCode,
  Reply,
  Session,
  Status,
  terminateCauses,
  UsageMessage,
} from '../../protocol/index.ts'

const folder = new URL('../../protocol/examples/', import.meta.url)
const textOf = (name: string) => readFileSync(new URL(`${name}.json`, folder), 'utf8')
const exampleOf = (name: string): unknown => JSON.parse(textOf(name))
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.replace('.json', ''))
  .sort()

const eventTypes = UsageMessage.options.map((option) => option.shape.type.value)
const commands = Command.options.map((option) => option.shape.command.value)

const wanted: [string, z.ZodType][] = [
  ['purchase.paid', PaidPurchase],
  ['purchase.direct', DirectGrant],
  ...eventTypes.filter((type) => type !== 'purchase.rejected').map((type): [string, z.ZodType] => [type, UsageMessage]),
  ['purchase.accepted.duplicate', UsageMessage],
  ...RefusalCode.options.map((code): [string, z.ZodType] => [`purchase.rejected.${code}`, UsageMessage]),
  ...CommandErrorCode.options.map((code): [string, z.ZodType] => [`reply.error.${code}`, Reply]),
  ['reply.sessions.part', Reply],
  ['query.events.replay', Command],
  ['status.online', Status],
  ['status.unread', Status],
  ['status.offline', Status],
  ...commands.flatMap((command): [string, z.ZodType][] => [
    [`command.${command}`, Command],
    [`reply.${command}.ok`, Reply],
    [`reply.${command}.error`, Reply],
  ]),
]

describe('an example', () => {
  it('stands for every message of the contract, and for nothing else', () => {
    expect(names).toEqual(wanted.map(([name]) => name).sort())
  })

  test.each(wanted)('of %s is what the schema says and survives a round trip', (name, schema) => {
    const parsed = schema.parse(exampleOf(name))

    expect(schema.parse(JSON.parse(JSON.stringify(parsed)))).toEqual(parsed)
  })

  test.each(wanted.filter(([, schema]) => schema !== Command))(
    'of %s has no field that the contract does not know',
    (name, schema) => {
      expect(schema.parse(exampleOf(name))).toEqual(exampleOf(name))
    },
  )

  test.each(eventTypes.filter((type) => type !== 'purchase.rejected'))('of %s is of that type', (type) => {
    expect(exampleOf(type)).toMatchObject({ type })
  })

  test.each(RefusalCode.options)('of a refusal with %s has that code, and says whether to retry', (code) => {
    const example = Event.parse(exampleOf(`purchase.rejected.${code}`))
    if (example.type !== 'purchase.rejected') throw new Error('no refusal')
    const isRetried = code === 'storage-failure' || code === 'too-many-purchases'

    expect(example.code).toBe(code)
    expect(example.final).toBe(example.seq !== undefined)
    expect(example.retry).toBe(example.final ? undefined : isRetried)
  })

  test.each(CommandErrorCode.options)('of a reply with %s has that code', (code) => {
    expect(exampleOf(`reply.error.${code}`)).toMatchObject({ status: 'error', error: { code } })
  })

  test.each(commands)('of %s has replies to the same transaction', (command) => {
    const { transaction } = Command.parse(exampleOf(`command.${command}`))

    expect(exampleOf(`reply.${command}.ok`)).toMatchObject({ transaction, command, status: 'ok' })
    expect(exampleOf(`reply.${command}.error`)).toMatchObject({ transaction, command, status: 'error' })
  })

  test.each(['purchase.paid', 'purchase.direct'])('of a %s is read by parsePurchase', (name) => {
    expect(parsePurchase(new TextEncoder().encode(textOf(name)))).toHaveProperty('purchase')
  })
})

/** Every object in any example that looks like one of that schema. */
function allOf<T>(schema: z.ZodType<T>, value: unknown = names.map(exampleOf)): T[] {
  if (typeof value !== 'object' || value === null) return []
  const own = schema.safeParse(value)
  return [...(own.success ? [own.data] : []), ...Object.values(value).flatMap((part) => allOf(schema, part))]
}

describe('the examples agree', () => {
  it('that 31 sat at 22020096 bytes are 682622976', () => {
    expect(exampleOf('purchase.paid')).toMatchObject({ amount: 31, unit: 'sat' })
    expect(exampleOf('purchase.rejected.below-minimum')).toMatchObject({ stepSize: 22_020_096 })
    expect(exampleOf('purchase.accepted')).toMatchObject({ allotment: 682_622_976 })
  })

  it('that allotment = used + remaining in every session', () => {
    const sums = allOf(Session).flatMap(({ allotment, used, remaining }) =>
      (['bytes', 'milliseconds'] as const).map(
        (metric) => (allotment[metric] ?? 0) - (used[metric] ?? 0) - (remaining[metric] ?? 0),
      ),
    )

    expect(new Set(sums)).toEqual(new Set([0]))
  })

  it('that what passed is what was used, in every session of bytes', () => {
    const differences = allOf(Session)
      .filter(({ used }) => used.bytes !== undefined)
      .map(({ used, downloaded, uploaded }) => downloaded + uploaded - (used.bytes ?? 0))

    expect(new Set(differences)).toEqual(new Set([0]))
  })

  it('that the books add up', () => {
    const status = LiveStatus.parse(exampleOf('status.online'))
    for (const { sold, used, remaining, unused, difference } of Object.values(status.conservation)) {
      expect([sold - used - remaining - unused, difference]).toEqual([0, 0])
    }
  })

  it('on router and epoch, and give every event a number of its own', () => {
    const refusals = RefusalCode.options.map((code) => `purchase.rejected.${code}`)
    const others = eventTypes.filter((type) => type !== 'usage' && type !== 'purchase.rejected')
    const events = [...others, ...refusals]
      .map((name) => Event.parse(exampleOf(name)))
      .filter(({ seq }) => seq !== undefined)

    expect(new Set(events.map(({ routerId, epoch }) => `${routerId} ${epoch}`)).size).toBe(1)
    expect(new Set(events.map(({ seq }) => seq)).size).toBe(events.length)
  })
})

test.each([
  { reason: 'allotment-used' as const, cause: { name: 'Session-Timeout', number: 5 } },
  { reason: 'ended-by-command' as const, cause: { name: 'Admin-Reset', number: 6 } },
  { reason: 'abandoned' as const, cause: { name: 'Idle-Timeout', number: 4 } },
])('the end reason $reason is $cause.name in RADIUS', ({ reason, cause }) => {
  expect(terminateCauses[reason]).toEqual(cause)
})

test.each(EndReason.options)('the end reason %s has a RADIUS cause', (reason) => {
  expect(terminateCauses[reason]).toEqual({ name: expect.stringMatching(/^[A-Z]/), number: expect.any(Number) })
})
