// Frames: length, CRC-32 and JSON, plain or deflated, one behind the other, so that a torn end and a damaged middle can be
// told apart, and what is sound behind damage is found again.
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib'

const headerBytes = 8

// Longer records repeat themselves: metering of many sessions, the books.
const mostPlainBytes = 1024
// Says that what follows is raw deflate; JSON never begins with it.
const deflated = 0
// The books of all sessions that a router may have are a tenth of it.
const largest = { maxOutputLength: 64 * 1024 * 1024 }

/**
 * One value as a frame: 4 bytes length, 4 bytes CRC-32 of the content (both little endian), then the content: JSON in UTF-8,
 * or where that is long a zero byte and the same as raw deflate.
 */
export function frame(value: unknown): Uint8Array {
  const text = Buffer.from(JSON.stringify(value))
  return framed(text.length <= mostPlainBytes ? text : Buffer.concat([Buffer.of(deflated), deflateRawSync(text)]))
}

function framed(content: Buffer): Uint8Array {
  const bytes = Buffer.alloc(headerBytes + content.length)
  bytes.writeUInt32LE(content.length, 0)
  bytes.writeUInt32LE(crc32(content), 4)
  content.copy(bytes, headerBytes)
  return bytes
}

/** Where a frame stands in its file. */
export interface Place {
  at: number
  size: number
}

export interface Frames {
  values: unknown[]
  /** The size of the sound part, from the file's beginning. */
  soundBytes: number
  /** The size of the first frame. */
  firstBytes: number
  /** `torn`: what follows is the start of a write that never ended. `damaged`: sound frames follow behind it. */
  end: 'whole' | 'torn' | 'damaged'
}

/** Reads all frames up to the first that is not sound. */
export function readFrames(file: Uint8Array): Frames {
  const places = soundFrames(file)
  const values: unknown[] = []
  let at = 0
  for (const place of places) {
    if (place.at !== at) break
    const value = valueAt(file, place)
    if (value === undefined) break
    values.push(value)
    at += place.size
  }
  const first = places[0]
  return {
    values,
    soundBytes: at,
    firstBytes: first?.at === 0 ? first.size : 0,
    end: at === file.length ? 'whole' : values.length < places.length ? 'damaged' : 'torn',
  }
}

/** Where sound frames stand, also behind damage; their content is not read. */
export function soundFrames(file: Uint8Array): Place[] {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength)
  const places: Place[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = soundFrameAt(bytes, at)
    if (size > 0) places.push({ at, size })
    at += Math.max(1, size)
  }
  return places
}

/** The value in a sound frame; `undefined` where this program has not written it. */
export function valueAt(file: Uint8Array, { at, size }: Place): unknown {
  const content = Buffer.from(file.buffer, file.byteOffset + at + headerBytes, size - headerBytes)
  try {
    const text = content[0] === deflated ? inflateRawSync(content.subarray(1), largest) : content
    const value: unknown = JSON.parse(text.toString('utf8'))
    return typeof value === 'object' ? (value ?? undefined) : undefined
  } catch {
    return undefined
  }
}

// The size of the sound frame that starts there, or 0. No frame is empty, so a run of zeros is none.
function soundFrameAt(bytes: Buffer, at: number): number {
  if (at + headerBytes > bytes.length) return 0
  const length = bytes.readUInt32LE(at)
  const end = at + headerBytes + length
  if (length === 0 || end > bytes.length) return 0
  return crc32(bytes.subarray(at + headerBytes, end)) === bytes.readUInt32LE(at + 4) ? headerBytes + length : 0
}
