// The debts of the sample backend: refunds and how far it has read the events, in one line each, so that neither is there without
// the other. A backend with a database keeps both in one transaction instead.
import { mkdirSync, readFileSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'

export interface Refunded {
  /** The session or the refusal that it comes from: `epoch seq`. */
  because: string
  /** Decimal, rounded as the backend rounds. Absent where no money was named in the purchase. */
  amount?: string
  unit?: string
  /** In the metric of the purchase, where it was not refused. */
  unused?: number
}

export interface RefundLedger {
  /** Where to go on reading the events. */
  readonly cursor: string | undefined
  refundsOf(purchaseId: string): readonly Refunded[]
  /** Durable when it resolves. */
  enter(cursor: string | undefined, refunds: readonly (Refunded & { purchaseId: string })[]): Promise<void>
  close(): Promise<void>
}

interface Line {
  cursor?: string
  refunds: (Refunded & { purchaseId: string })[]
}

export async function openRefundLedger(folder: string): Promise<RefundLedger> {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'refunds.jsonl')
  const refunds = new Map<string, Refunded[]>()
  let cursor: string | undefined
  const text = textOf(path)
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  for (const line of whole.split('\n').filter((one) => one !== '')) take(JSON.parse(line))
  const file: FileHandle = await open(path, 'a', 0o600)
  // A line that a crash cut off was never acknowledged.
  if (whole.length < text.length) await file.truncate(Buffer.byteLength(whole))

  function take(line: Line): void {
    cursor = line.cursor
    for (const { purchaseId, ...refund } of line.refunds) {
      const known = refunds.get(purchaseId) ?? []
      // An event that came again changes nothing.
      if (!known.some(({ because }) => because === refund.because)) refunds.set(purchaseId, [...known, refund])
    }
  }

  return {
    get cursor() {
      return cursor
    },
    refundsOf: (purchaseId) => refunds.get(purchaseId) ?? [],
    async enter(to, entered) {
      const line: Line = { ...(to !== undefined && { cursor: to }), refunds: [...entered] }
      await file.appendFile(`${JSON.stringify(line)}\n`)
      await file.datasync()
      take(line)
    },
    close: () => file.close(),
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
