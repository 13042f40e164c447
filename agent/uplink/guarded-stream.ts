// A stream from the broker in which no message is longer than the agent will read: the rest of a longer one is dropped
// while it comes in. MQTT 3.1.1 has no way to tell a broker how much fits, and a message larger than memory, delivered
// again at every start, would keep the agent down for ever.
import { Duplex } from 'node:stream'

export interface CutMessage {
  /** 0 for a message of QoS 0. */
  packetId: number
  /** How long its payload was. */
  bytes: number
}

/** Packets up to this size pass as they are; a longer PUBLISH is cut to it. */
export const mostOfAPacket = 32 * 1024

/** `hasProperties`: it is MQTT 5. `cut` is called when a message has come in and is passed on without its rest, `received` for every piece. */
export function guardedStream(
  stream: Duplex,
  hasProperties: boolean,
  cut: (message: CutMessage) => void,
  received: (isOfALongOne: boolean) => void,
): Duplex {
  const shorten = createShortener(hasProperties, cut)
  const guarded: Duplex = new Duplex({
    read: () => stream.resume(),
    write: (chunk, _, done) => stream.write(chunk, done),
    writev: (chunks, done) => stream.write(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)), done),
    final: (done) => stream.end(done),
    destroy(err, done) {
      stream.destroy()
      done(err)
    },
  })
  stream.on('data', (chunk: Buffer) => {
    const { pieces, isLong } = shorten(chunk)
    received(isLong)
    for (const piece of pieces) if (!guarded.push(piece)) stream.pause()
  })
  stream.on('end', () => guarded.push(null))
  stream.on('error', (err) => guarded.destroy(err))
  stream.on('close', () => guarded.destroy())
  return guarded
}

/** Takes the stream piece by piece and gives back what the reader should see of each; `isLong`: a long one is under way. */
export function createShortener(
  hasProperties: boolean,
  cut: (message: CutMessage) => void,
): (chunk: Buffer) => { pieces: Buffer[]; isLong: boolean } {
  let header: number[] = []
  // Of the packet under way: what passes, or what is collected of a message that is too long, and what is still to come.
  let passing = 0
  let kept: Buffer[] | undefined
  let keptBytes = 0
  let left = 0
  let total = 0
  let qos = 0

  function begin(length: number): Buffer {
    const first = header[0] ?? 0
    const head = Buffer.from(header)
    header = []
    const isLong = first >> 4 === publish && length > mostOfAPacket
    if (!isLong) {
      passing = length
      return head
    }
    kept = []
    keptBytes = 0
    left = total = length
    qos = (first >> 1) & 3
    return Buffer.from([first, ...variableLength(mostOfAPacket)])
  }

  function collect(chunk: Buffer): number {
    const taken = Math.min(left, chunk.length)
    const wanted = Math.min(taken, mostOfAPacket - keptBytes)
    if (wanted > 0) kept?.push(Buffer.from(chunk.subarray(0, wanted)))
    keptBytes += wanted
    left -= taken
    return taken
  }

  return (chunk) => {
    const pieces: Buffer[] = []
    let at = 0
    while (at < chunk.length) {
      if (passing > 0) {
        const taken = Math.min(passing, chunk.length - at)
        pieces.push(chunk.subarray(at, at + taken))
        passing -= taken
        at += taken
      } else if (kept) {
        at += collect(chunk.subarray(at))
        if (left === 0) {
          const body = Buffer.concat(kept)
          kept = undefined
          cut(described(body, qos, total, hasProperties))
          pieces.push(body)
        }
      } else {
        header.push(chunk[at++] ?? 0)
        const length = header.length > 1 ? lengthOf(header) : undefined
        if (length !== undefined) pieces.push(begin(length))
      }
    }
    return { pieces, isLong: kept !== undefined }
  }
}

const publish = 3

function described(body: Buffer, qos: number, total: number, hasProperties: boolean): CutMessage {
  const topicEnd = 2 + body.readUInt16BE(0)
  const idEnd = qos === 0 ? topicEnd : topicEnd + 2
  const packetId = qos === 0 || idEnd > body.length ? 0 : body.readUInt16BE(topicEnd)
  if (!hasProperties) return { packetId, bytes: total - idEnd }
  const length = [...body.subarray(idEnd, idEnd + 4)]
  const size = length.findIndex((byte) => byte < 128) + 1
  return { packetId, bytes: total - idEnd - size - (lengthOf([0, ...length.slice(0, size)]) ?? 0) }
}

/** The remaining length in a fixed header, or nothing while it is not complete. */
function lengthOf([, ...bytes]: readonly number[]): number | undefined {
  const isComplete = (bytes.at(-1) ?? 0) < 128 || bytes.length >= 4
  return isComplete ? bytes.reduce((sum, byte, index) => sum + (byte & 127) * 128 ** index, 0) : undefined
}

function variableLength(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) | 128, ...variableLength(Math.floor(length / 128))]
}
