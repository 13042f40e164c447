// Reads events by their numbers: each file is read once for as long as somebody goes on in it, and what cannot be read is named.
import type { Event } from '../../protocol/index.ts'
import { type Decision, eventsOf, type JournalFile, soundDecisions } from './files.ts'
import { type Place, soundFrames, valueAt } from './frames.ts'
import { StorageFailure, type Store } from './store.ts'

/** Events that follow each other from the number asked for; or the last of those that cannot be read from there on. */
export type Run = { events: Event[]; lostTo?: undefined } | { events: []; lostTo: number }

export interface Stretch {
  epoch: string
  fromSeq: number
  /** The last event to read. */
  toSeq: number
  /** The largest number of events to read. */
  most: number
  /** The epoch's files, oldest first. */
  files: readonly JournalFile[]
}

interface OpenFile {
  name: string
  bytes: Uint8Array
  places: Place[]
  /** Up to here everything is sound. */
  soundBytes: number
  /** The last event in it. */
  lastSeq: number
  /** Where the last reading stopped: the frame that holds the event of that number, or one before it. */
  next: { seq: number; place: number }
}

// Files kept in memory: one for the outbox, one for a replay or a story.
const mostOpen = 2
// A file that cannot be read is tried this often: later it may be readable, and it holds the outbox up until then.
const mostFaults = 3

/** `damaged` is called once for each file that is not as it was written. */
export function createEventReader(store: Store, damaged: (what: string) => void) {
  let open: OpenFile[] = []
  const faults = new Map<string, number>()
  const told = new Set<string>()

  async function fileOf({ name, bytes: size }: JournalFile, lastWanted: number): Promise<OpenFile | undefined> {
    const known = open.find((file) => file.name === name)
    // A file that has grown since is read again only for its new events.
    if (known && (known.bytes.length >= size || lastWanted <= known.lastSeq)) {
      open = [known, ...open.filter((file) => file !== known)]
      return known
    }
    try {
      // A write that the disk refused may stand behind: another event will have that number.
      const bytes = (await store.read(name)).subarray(0, size)
      const places = soundFrames(bytes)
      const soundBytes = places.reduce((end, { at, size }) => (at === end ? at + size : end), 0)
      const file = { name, bytes, places, soundBytes, lastSeq: 0, next: known?.next ?? { seq: 0, place: 0 } }
      file.lastSeq = lastSeqOf(file)
      open = [file, ...open.filter((other) => other.name !== name)].slice(0, mostOpen)
      return file
    } catch (err) {
      if (!(err instanceof StorageFailure)) throw err
      const count = (faults.get(name) ?? 0) + 1
      if (!store.hangs) faults.set(name, count)
      if (store.hangs || (count < mostFaults && codeOf(err.cause) !== 'ENOENT')) throw err
      tell(name, `${name} cannot be read`)
      return undefined
    }
  }

  function tell(name: string, what: string): void {
    if (told.has(name)) return
    told.add(name)
    damaged(`${what}: the events there cannot be told again`)
  }

  return {
    async read({ epoch, fromSeq, toSeq, most, files }: Stretch): Promise<Run> {
      const events: Event[] = []
      const start = files.findLastIndex((file) => file.firstSeq <= fromSeq)
      let last: OpenFile | undefined
      const gap = (lostTo: number): Run => {
        if (last) tell(last.name, `${last.name} is damaged at byte ${last.soundBytes}`)
        return { events: [], lostTo }
      }
      for (const file of files.slice(Math.max(start, 0))) {
        const wanted = fromSeq + events.length
        if (events.length >= most || wanted > toSeq) break
        const opened = await fileOf(file, Math.min(toSeq, fromSeq + most - 1))
        if (!opened) continue
        if (!last || file.firstSeq <= wanted) last = opened
        for (const event of eventsFrom(opened, epoch, wanted, toSeq)) {
          const seq = event.seq ?? 0
          if (seq < fromSeq + events.length) continue
          if (seq > fromSeq + events.length) return events.length > 0 ? { events } : gap(seq - 1)
          events.push(event)
          if (events.length === most) break
        }
      }
      return events.length > 0 || fromSeq > toSeq ? { events } : gap(toSeq)
    },
    forget() {
      open = []
    },
  }
}

function* eventsFrom(file: OpenFile, epoch: string, fromSeq: number, toSeq: number): Generator<Event> {
  let place = file.next.seq === fromSeq ? file.next.place : placeOf(file, fromSeq)
  for (; place < file.places.length; place++) {
    for (const event of eventsAt(file, place)) {
      if (event.epoch !== epoch || (event.seq ?? 0) < fromSeq) continue
      if ((event.seq ?? 0) > toSeq) return
      // One decision may hold several events: the next one is looked for in the same place.
      file.next = { seq: (event.seq ?? 0) + 1, place }
      yield event
    }
  }
}

function eventsAt({ bytes, places }: OpenFile, place: number): Event[] {
  const at = places[place]
  const value = at && (valueAt(bytes, at) as Decision)
  return value && 'records' in value ? eventsOf(value) : []
}

function lastSeqOf(file: OpenFile): number {
  for (let place = file.places.length - 1; place >= 0; place--) {
    const seq = eventsAt(file, place).at(-1)?.seq
    if (seq !== undefined) return seq
  }
  return 0
}

// By halves: the last frame whose first event is not behind that one; frames without events are passed over.
function placeOf(file: OpenFile, seq: number): number {
  let [low, high] = [0, file.places.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    let at = middle
    let first: number | undefined
    for (; at < high && first === undefined; at++) first = eventsAt(file, at)[0]?.seq
    if (first !== undefined && first <= seq) low = at - 1
    else high = middle
  }
  return low
}

function codeOf(err: unknown): unknown {
  return err instanceof Error && 'code' in err ? err.code : undefined
}

/** The sound decisions' uptime at the end of a file that this life has not written. */
export async function uptimeOf(file: JournalFile, store: Store): Promise<number | undefined> {
  return soundDecisions(file.name, await store.read(file.name)).at(-1)?.decision.uptime
}
