// Renewal: somebody has put another certificate or password into place, and the connection is to be made anew with it.
import { isDeepStrictEqual } from 'node:util'
import type { Address } from './address.ts'
import type { Clock } from './clock.ts'

const readEvery = 5000

/** Resolves when the address is another one than was used; never after `ended`. */
export async function renewal(
  used: Address,
  address: () => Address,
  clock: Clock,
  ended: Promise<unknown>,
): Promise<void> {
  const over = new AbortController()
  void ended.then(() => over.abort())
  do {
    await clock.sleep(readEvery, over.signal)
    if (over.signal.aborted) return new Promise(() => {})
  } while (isDeepStrictEqual(address(), used))
}
