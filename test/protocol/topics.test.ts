// Proves that topics are built and parsed alike, with any prefix, and that a stranger's topic is none of ours.
import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { Channel, parseTopic, RouterId, TopicPrefix, topicOf } from '../../protocol/index.ts'

const r1 = RouterId.parse('r1')

describe('topicOf', () => {
  test.each([
    { routerId: r1, channel: 'purchase' as const, prefix: undefined, topic: 'router/r1/purchase' },
    { routerId: '+' as const, channel: 'usage' as const, prefix: undefined, topic: 'router/+/usage' },
    { routerId: r1, channel: 'status' as const, prefix: 'acme/wifi/pt', topic: 'acme/wifi/pt/r1/status' },
  ])('is $topic', ({ routerId, channel, prefix, topic }) => {
    expect(topicOf(routerId, channel, prefix)).toBe(topic)
  })

  it('is read again by parseTopic, whatever the prefix', () => {
    const level = fc.stringMatching(/^[^#+\s/]{1,8}$/)
    const prefixes = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'))
    const ids = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).map((id) => RouterId.parse(id))
    fc.assert(
      fc.property(prefixes, ids, fc.constantFrom(...Channel.options), (prefix, routerId, channel) => {
        expect(parseTopic(topicOf(routerId, channel, prefix), prefix)).toEqual({ routerId, channel })
      }),
    )
  })
})

describe('parseTopic', () => {
  test.each([
    { topic: 'router/r1/command', prefix: undefined, parsed: { routerId: 'r1', channel: 'command' } },
    { topic: 'acme/wifi/r1/reply', prefix: 'acme/wifi', parsed: { routerId: 'r1', channel: 'reply' } },
    { topic: 'router/router/usage', prefix: undefined, parsed: { routerId: 'router', channel: 'usage' } },
  ])('reads $topic', ({ topic, prefix, parsed }) => {
    expect(parseTopic(topic, prefix)).toEqual(parsed)
  })

  test.each([
    { topic: 'router/r1', prefix: undefined },
    { topic: 'router/r1/', prefix: undefined },
    { topic: 'router/r1/invoice', prefix: undefined },
    { topic: 'router/r1/usage/x', prefix: undefined },
    { topic: 'router/+/usage', prefix: undefined },
    { topic: 'router//usage', prefix: undefined },
    { topic: 'routers/r1/usage', prefix: undefined },
    { topic: 'wifi/r1/usage', prefix: 'acme/wifi' },
    { topic: 'acme/wifi/pt/r1/usage', prefix: 'acme/wifi' },
    { topic: 'r1/usage', prefix: undefined },
    { topic: '', prefix: undefined },
  ])('leaves $topic alone', ({ topic, prefix }) => {
    expect(parseTopic(topic, prefix)).toBeUndefined()
  })
})

describe('a prefix', () => {
  test.each(['router', 'a/b/c', 'a-b_c.d'])('is %j', (prefix) => expect(TopicPrefix.parse(prefix)).toBe(prefix))

  test.each(['', '/', '/a', 'a/', 'a//b', 'a/+/b', 'a/#', 'a b'])('is not %j', (prefix) => {
    expect(TopicPrefix.safeParse(prefix).success).toBe(false)
  })
})
