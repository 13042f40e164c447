// Errors of the client: faults only, each with a code. A foreseeable no is a value.

export type FleetErrorCode =
  /** No broker answers at the address. */
  | 'unreachable'
  /** The broker does not let this user in, or refuses the subscription. */
  | 'unauthorised'
  /** The broker did not take the message in time, or the connection was lost before it did. */
  | 'not-taken'
  /** The purchase id was used before, for another purchase. */
  | 'conflict'
  /** The argument is none: a purchase id with blanks, a cursor of something else. */
  | 'invalid-argument'
  /** The store refuses, is damaged, or belongs to another process. Nothing was sent. */
  | 'store-failure'
  | 'store-locked'
  /** A router does not answer questions: its gaps stay open until it does. Only ever a warning. */
  | 'no-replay'
  | 'closed'

export class FleetError extends Error {
  override name = 'FleetError'
  readonly code: FleetErrorCode

  constructor(code: FleetErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}
