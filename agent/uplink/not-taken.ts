// Why a message did not reach the broker.

/**
 * `no-connection`: not connected, or lost before the broker had it. `too-large`: the broker will never take so large a
 * message. `refused`: the broker said no (MQTT 5). `overrun`: too many of its kind wait already.
 */
export type NotTakenCode = 'no-connection' | 'too-large' | 'refused' | 'overrun'

export class NotTaken extends Error {
  override name = 'NotTaken'
  readonly code: NotTakenCode

  constructor(code: NotTakenCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
