// How long a gate was really open, as somebody sees it who sends all the time.
import type { Device, Lab } from './lab.ts'

/** The first and the last of the device's packets that passed, in milliseconds by this machine's clock. */
export interface Span {
  first: number
  last: number
}

/** Ends when none has passed for so long. */
export async function openTime(
  lab: Pick<Lab, 'passed'>,
  { address }: Pick<Device, 'address'>,
  quietFor: number,
): Promise<Span> {
  const uploaded = async () => (await lab.passed(address)).uploaded
  const none = await uploaded()
  let now = none
  while (now === none) now = await uploaded()
  const first = performance.now()
  let last = first
  while (performance.now() - last < quietFor) {
    const before = now
    now = await uploaded()
    if (now > before) last = performance.now()
  }
  return { first: performance.timeOrigin + first, last: performance.timeOrigin + last }
}
