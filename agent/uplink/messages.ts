// Messages as they come in, and what becomes of them.
import type { Urgency } from './send-window.ts'

/** A message as it came in. */
export interface Incoming {
  /** At most 32 KiB; of a longer message only the beginning. */
  payload: Uint8Array
  /** How long it was. */
  bytes: number
  /** Stored at the broker before this subscription, or sent to be stored: nothing that acts may follow from it. */
  retained: boolean
}

export interface IncomingCommand extends Incoming {
  channel: 'command' | 'query'
  /** Its Response Topic is none that this router answers on. */
  isMisdirected: boolean
}

/**
 * The fate of a message at the broker: `acknowledge`, and it forgets it; `keep`, and it delivers it again on another
 * connection. A kept message holds nothing up on this one.
 */
export type Receipt = 'acknowledge' | 'keep'

/**
 * Sends one message to the asker: below the reply topic where `to` says so, else on the reply topic and the Response
 * Topic. Resolves when the broker has it; rejects with {@link NotTaken}.
 */
export type Reply = (message: object, how?: { to?: string | undefined; urgency?: Urgency }) => Promise<void>

export interface UplinkHandlers {
  /** Only the disk may be waited for: until it resolves nothing else comes in. */
  purchase(message: Incoming): Promise<Receipt>
  /** Must not be waited for. */
  command(message: IncomingCommand, reply: Reply): void
  /** Subscribed: waiting events may be published. */
  connected(): void
}
