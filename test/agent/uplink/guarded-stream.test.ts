// Proves that no message of the broker is longer than the agent reads, however the stream is cut into pieces, and that all
// other packets pass as they are.
import * as fc from 'fast-check'
import * as mqtt from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { type CutMessage, createShortener, mostOfAPacket } from '../../../agent/uplink/guarded-stream.ts'

const publish = (version: 4 | 5, payload: string, messageId: number, qos: 0 | 1 = 1) =>
  mqtt.generate(
    {
      cmd: 'publish',
      topic: 'router/r1/purchase',
      payload,
      qos,
      dup: false,
      retain: false,
      ...(qos > 0 && { messageId }),
      ...(version === 5 && { properties: { contentType: 'x'.repeat(200) } }),
    },
    { protocolVersion: version },
  )
const packets = (version: 4 | 5) => [
  mqtt.generate({ cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false }, { protocolVersion: version }),
  publish(version, 'short', 1),
  publish(version, 'x'.repeat(200_000), 2),
  publish(version, 'y'.repeat(mostOfAPacket - 400), 3),
  publish(version, 'z'.repeat(50_000), 0, 0),
  mqtt.generate({ cmd: 'pingresp' }),
]

/** The packets that a reader of the stream sees, when it comes in pieces of these sizes. */
function seen(version: 4 | 5, sizes: readonly number[]): { packets: mqtt.Packet[]; cut: CutMessage[] } {
  const cut: CutMessage[] = []
  const read: mqtt.Packet[] = []
  const shorten = createShortener(version === 5, (message) => cut.push(message))
  const parser = mqtt.parser({ protocolVersion: version })
  parser.on('packet', (packet) => read.push(packet))
  const stream = Buffer.concat(packets(version))
  for (let at = 0, turn = 0; at < stream.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1
    for (const piece of shorten(stream.subarray(at, at + size)).pieces) parser.parse(piece)
    at += size
  }
  return { packets: read, cut }
}

describe.each([4, 5] as const)('the stream of MQTT %i', (version) => {
  test('passes everything, and of a long message the beginning and its length', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }), (sizes) => {
        const { packets: read, cut } = seen(version, sizes)
        const payloads = read.flatMap((packet) => (packet.cmd === 'publish' ? [packet.payload.toString()] : []))

        expect(read.map(({ cmd }) => cmd)).toEqual(['connack', 'publish', 'publish', 'publish', 'publish', 'pingresp'])
        expect(payloads.map((payload) => payload[0])).toEqual(['s', 'x', 'y', 'z'])
        expect(payloads[2]).toHaveLength(mostOfAPacket - 400)
        expect(Math.max(...payloads.map((payload) => payload.length))).toBeLessThanOrEqual(mostOfAPacket)
        expect(cut).toEqual([
          { packetId: 2, bytes: 200_000 },
          { packetId: 0, bytes: 50_000 },
        ])
      }),
      { numRuns: 30 },
    )
  })
})
