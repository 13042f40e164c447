// The outcome of every purchase id of the last 30 days, packed: some 80 bytes an accepted one, 50 a refused one.
import { createHash } from 'node:crypto'
import { RefusalCode } from '../../protocol/index.ts'
import type { Outcome, Purchases } from '../merchant/books.ts'

/** The part of the memory that goes into one frame of a file: `records` as they stand, `epochs` as they count them. */
export interface Packed {
  epochs: string[]
  records: string
  /** The agent's age at the last of them, in seconds: what is older than that is in the same file. */
  newest: number
}

// A record: its length, its kind, the epoch's number, then seq, age in seconds, and what tells one id from all others;
// then content and the answer, each with its length.
const headBytes = 2 + 1 + 1 + 6 + 4
const idBytes = 12
const codes = RefusalCode.options
const accepted = 255
const uptimeAt = 10

export class PurchaseMemory implements Purchases, Iterable<[string, Outcome]> {
  #bytes = Buffer.alloc(1024)
  #length = 0
  #savedLength = 0
  #epochs: string[] = []
  // Open addressing: the position of a record behind 1, at the place that its id's first bytes say, or behind it.
  #places = new Uint32Array(256)
  #size = 0
  #refusedBytes = 0

  get size(): number {
    return this.#size
  }

  /** Its size on disk. */
  get bytes(): number {
    return this.#length
  }

  /** The refused purchases' part of it. */
  get refusedBytes(): number {
    return this.#refusedBytes
  }

  get(id: string): Outcome | undefined {
    const at = this.#find(id)
    return at === undefined ? undefined : this.#outcomeAt(at)
  }

  has(id: string): boolean {
    return this.#find(id) !== undefined
  }

  set(id: string, outcome: Outcome): void {
    const record = packedOf(id, outcome, this.#numberOf(outcome.epoch ?? ''))
    const before = this.#find(id)
    if (before !== undefined && record.equals(this.#bytes.subarray(before, before + record.length))) return
    this.#add(record)
  }

  /** The outcomes entered since the last {@link PurchaseMemory.saved}; undefined when nothing was. */
  unsaved(): Packed | undefined {
    if (this.#savedLength === this.#length) return undefined
    let last = this.#savedLength
    for (const at of this.#positions(this.#savedLength)) last = at
    const records = this.#bytes.subarray(this.#savedLength, this.#length).toString('base64')
    return { epochs: [...this.#epochs], records, newest: this.#bytes.readUInt32LE(last + uptimeAt) }
  }

  /** The outcomes that {@link PurchaseMemory.unsaved} gave are on disk. */
  saved({ records }: Packed): void {
    this.#savedLength += Buffer.byteLength(records, 'base64')
  }

  /** Enters what another life has saved. */
  load(packed: Packed): void {
    const numbers = packed.epochs.map((epoch) => this.#numberOf(epoch))
    const records = Buffer.from(packed.records, 'base64')
    for (let at = 0; at + headBytes + idBytes < records.length; ) {
      const record = records.subarray(at, at + Math.max(headBytes + idBytes, records.readUInt16LE(at)))
      record[3] = numbers[record[3] ?? 0] ?? 0
      this.#add(record)
      at += record.length
    }
    this.#savedLength = this.#length
  }

  /** Forgets what is older than that age in seconds. */
  forgetUntil(uptime: number): void {
    const kept: Buffer[] = []
    let unsavedBytes = 0
    for (const at of this.#positions()) {
      const record = this.#bytes.subarray(at, at + this.#bytes.readUInt16LE(at))
      if (!this.#isCurrent(at) || record.readUInt32LE(uptimeAt) < uptime) continue
      kept.push(record)
      if (at >= this.#savedLength) unsavedBytes += record.length
    }
    this.#bytes = Buffer.alloc(1024)
    this.#places = new Uint32Array(256)
    this.#length = this.#size = this.#refusedBytes = 0
    for (const record of kept) this.#add(record)
    this.#savedLength = this.#length - unsavedBytes
  }

  *[Symbol.iterator](): Generator<[string, Outcome]> {
    for (const at of this.#positions()) {
      if (!this.#isCurrent(at)) continue
      yield [this.#bytes.toString('hex', at + headBytes, at + headBytes + idBytes), this.#outcomeAt(at)]
    }
  }

  *#positions(from = 0): Generator<number> {
    for (let at = from; at < this.#length; at += this.#bytes.readUInt16LE(at)) yield at
  }

  #isCurrent(at: number): boolean {
    return this.#places[this.#placeOf(this.#bytes, at + headBytes)] === at + 1
  }

  #find(id: string): number | undefined {
    const at = this.#places[this.#placeOf(hashOf(id))]
    return at ? at - 1 : undefined
  }

  #outcomeAt(at: number): Outcome {
    return unpacked(this.#bytes.subarray(at, at + this.#bytes.readUInt16LE(at)), this.#epochs)
  }

  #numberOf(epoch: string): number {
    const known = this.#epochs.indexOf(epoch)
    return known >= 0 ? known : this.#epochs.push(epoch) - 1
  }

  #placeOf(id: Buffer, from = 0): number {
    const mask = this.#places.length - 1
    for (let place = id.readUInt32LE(from) & mask; ; place = (place + 1) & mask) {
      const at = (this.#places[place] ?? 0) - 1 + headBytes
      if (at < headBytes || id.compare(this.#bytes, at, at + idBytes, from, from + idBytes) === 0) return place
    }
  }

  #add(record: Buffer): void {
    if (this.#length + record.length > this.#bytes.length) {
      const larger = Buffer.alloc(
        Math.max(this.#bytes.length + (this.#bytes.length >> 1), this.#length + record.length),
      )
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    const at = this.#length
    record.copy(this.#bytes, at)
    this.#length += record.length
    if (this.#size * 2 >= this.#places.length) this.#grow()
    const place = this.#placeOf(this.#bytes, at + headBytes)
    const before = this.#places[place]
    if (before) this.#count(before - 1, -1)
    this.#count(at, 1)
    this.#places[place] = at + 1
  }

  #count(at: number, by: 1 | -1): void {
    this.#size += by
    if (this.#bytes[at + 2] !== accepted) this.#refusedBytes += by * this.#bytes.readUInt16LE(at)
  }

  #grow(): void {
    const before = this.#places
    this.#places = new Uint32Array(before.length * 2)
    for (const at of before) if (at) this.#places[this.#placeOf(this.#bytes, at - 1 + headBytes)] = at
  }
}

// Two ids of one hash would be taken for one: with 96 bits nobody finds the second one to a given first.
const hashOf = (id: string): Buffer => createHash('sha256').update(id).digest().subarray(0, idBytes)

function packedOf(id: string, { content, seq, uptime, answer }: Outcome, epoch: number): Buffer {
  const isAccepted = !('code' in answer)
  const { code: _, ...rest } = answer as { code?: RefusalCode }
  const said = isAccepted || Object.keys(rest).length > 0 ? packedAnswer(rest) : Buffer.alloc(0)
  const text = Buffer.from(content, 'latin1').subarray(0, 255)
  const record = Buffer.alloc(headBytes + idBytes + 1 + text.length + said.length)
  record.writeUInt16LE(record.length, 0)
  record[2] = isAccepted ? accepted : codes.indexOf(answer.code)
  record[3] = epoch
  record.writeUIntLE(seq, 4, 6)
  record.writeUInt32LE(Math.floor(uptime / 1000), uptimeAt)
  hashOf(id).copy(record, headBytes)
  record[headBytes + idBytes] = text.length
  text.copy(record, headBytes + idBytes + 1)
  said.copy(record, headBytes + idBytes + 1 + text.length)
  return record
}

function unpacked(record: Buffer, epochs: readonly string[]): Outcome {
  const text = headBytes + idBytes + 1
  const said = text + (record[text - 1] ?? 0)
  const epoch = epochs[record[3] ?? 0]
  const rest = said < record.length ? unpackedAnswer(record.subarray(said)) : {}
  const code = record[2] === accepted ? undefined : codes[record[2] ?? 0]
  return {
    content: record.toString('latin1', text, said),
    seq: record.readUIntLE(4, 6),
    ...(epoch && { epoch }),
    uptime: record.readUInt32LE(uptimeAt) * 1000,
    answer: (code ? { code, ...rest } : rest) as Outcome['answer'],
  }
}

// The fields that every answer has are packed, in that order; the rest is JSON.
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const mac = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/

function packedAnswer(answer: Record<string, unknown>): Buffer {
  const { sessionId, mac: device, metric, allotment, ...rest } = answer
  const isUsual = uuid.test(String(sessionId)) && mac.test(String(device)) && Number.isSafeInteger(allotment)
  if (!isUsual || (metric !== 'bytes' && metric !== 'milliseconds'))
    return Buffer.concat([Buffer.of(0), Buffer.from(JSON.stringify(answer))])
  const head = Buffer.alloc(1 + 16 + 6 + 7)
  head[0] = metric === 'bytes' ? 1 : 2
  Buffer.from(String(sessionId).replaceAll('-', ''), 'hex').copy(head, 1)
  Buffer.from(String(device).replaceAll(':', ''), 'hex').copy(head, 17)
  const count = Number(allotment)
  head.writeUIntLE(count % 2 ** 48, 23, 6)
  head[29] = Math.floor(count / 2 ** 48)
  const more = Object.keys(rest).length > 0 ? Buffer.from(JSON.stringify(rest)) : Buffer.alloc(0)
  return Buffer.concat([head, more])
}

function unpackedAnswer(packed: Buffer): Record<string, unknown> {
  if (packed[0] === 0) return JSON.parse(packed.toString('utf8', 1))
  const id = packed.toString('hex', 1, 17)
  const sessionId = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20)].join('-')
  const device = packed.toString('hex', 17, 23).match(/../g)?.join(':')
  const metric = packed[0] === 1 ? 'bytes' : 'milliseconds'
  const allotment = packed.readUIntLE(23, 6) + (packed[29] ?? 0) * 2 ** 48
  const rest = packed.length > 30 ? JSON.parse(packed.toString('utf8', 30)) : {}
  return { sessionId, mac: device, metric, allotment, ...rest }
}
