// Proves who the agent is to the broker, and that its answers go below its own reply topic only.
import { describe, expect, test } from 'vitest'
import { clientIdOf, isReplyTopic, withoutSecrets } from '../../../agent/uplink/names.ts'
import { aRouterId } from '../../support/builders.ts'

describe('the client id', () => {
  test.each([
    { prefix: 'router', id: 'tollgate-r1' },
    { prefix: 'north', id: 'tollgate_dc365e79_r1' },
    { prefix: 'south', id: expect.stringMatching(/^tollgate_[0-9a-f]{8}_r1$/) },
  ])('of a router below $prefix is its own', ({ prefix, id }) => {
    expect(clientIdOf(aRouterId, prefix)).toEqual(id)
  })
})

test.each([
  { topic: 'router/r1/reply', is: true },
  { topic: 'router/r1/reply/desk-3', is: true },
  { topic: 'router/r1/reply/usage', is: false },
  { topic: 'router/r1/reply/', is: false },
  { topic: 'router/r1/reply/a/b', is: false },
  { topic: 'router/r1/reply/+', is: false },
  { topic: 'router/r1/status', is: false },
  { topic: 'router/r2/reply', is: false },
  { topic: '$SYS/x', is: false },
  { topic: '', is: false },
])('an answer at $topic: $is', ({ topic, is }) => {
  expect(isReplyTopic(topic, aRouterId, 'router')).toBe(is)
})

test.each([
  { url: 'mqtts://me:secret@b.example:8883', shown: 'mqtts://b.example:8883' },
  { url: 'wss://b/mqtt?token=secret', shown: 'wss://b/mqtt' },
])('$url is shown without its secret', ({ url, shown }) => {
  expect(withoutSecrets(url)).toBe(shown)
})
