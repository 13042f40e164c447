// How long a gate was really open, as somebody sees it who sends all the time.
import type { Device, Lab } from './lab.ts'

/** From the first to the last of the device's packets that passed, in milliseconds; ends when none has passed for so long. */
export async function openTime(
  lab: Pick<Lab, 'passed'>,
  { address }: Pick<Device, 'address'>,
  quietFor: number,
): Promise<number> {
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
  return last - first
}
