// A question to a broker, as it is put and as it is answered.
import type { Address } from '../client/address.ts'
import type { RawClient, rawClient } from './raw-client.ts'

/** The broker, with client ids and topics that nobody else uses. */
export interface Room {
  address: Address
  /** A client with an id of its own in this examination. */
  open(name: string, options?: Parameters<typeof rawClient>[1]): Promise<RawClient>
  id(name: string): string
  topic(name: string): string
}

export interface Finding {
  what: string
  /** Undefined where it could not be tried. */
  holds?: boolean
  found: string
  /** The consequence for a fleet where it does not hold. */
  means: string
}
