// How long things may take at this portal: what follows from the settings and from the time of the portal's own calls.
import type { Script } from './script.ts'

/** All in milliseconds. */
export interface Timing {
  /** The slowest call of a healthy portal. */
  call: number
  /** From one reading of a device to the next, when nothing is special about it. */
  look: number
  /** The same when its end or its gate is of interest. */
  near: number
  /** From the last reading to the shut that the agent ordered. */
  ordered: number
  /** From the end of a fault of the portal, or of a start of the agent, until every device has been read again. */
  recovery: number
  /** From the last byte that was paid for to the shut gate, one device at its end; and when its rate had been steady. */
  cutOff: number
  steadyCutOff: number
  /** For each other one that is at its end at that moment. */
  otherCutOff: number
  /** A rate that was the same for so long is known. */
  steady: number
  /** From a gate that differs from the books until it does not. */
  repair: number
  /** Between two whole lists: openNDS 9.10 may end itself over one, and one that was not answered is asked for again after 5 s. */
  list: number
  /** Between two readings of a device whose customer logs out again and again. */
  watched: number
  /** A silence of the portal that costs nobody anything, at whatever moment of the agent's asking it begins. */
  mute: number
}

// A question that nobody answers is given up after that time.
const answerLimit = 5000

export function timingOf({ settings, actions }: Script): Timing {
  // Those who never come take nobody's time.
  const devices = new Set(actions.flatMap((action) => (action.do === 'arrive' ? [action.device] : []))).size
  const strangers = actions.reduce((sum, action) => sum + (action.do === 'passers-by' ? action.count : 0), 0)
  const { lookMilliseconds, nearMilliseconds, latencyMilliseconds, realistic, flavour, guard } = settings
  const same = { reading: latencyMilliseconds, order: latencyMilliseconds, call: latencyMilliseconds }
  const { reading, order, call } = realistic ? measured(flavour, devices + strangers) : same
  // Every device is asked for once, and there are orders beside that.
  const round = (4 + 2 * devices) * call + 200
  // A device that the kernel guards is looked at no more often than others, and each look asks the kernel besides.
  const looks = lookMilliseconds + (guard ? Math.max(lookMilliseconds, 2 * nearMilliseconds) : 2 * nearMilliseconds)
  const repair = looks + (6 + 4 * devices) * call + 4 * (guard?.latencyMilliseconds ?? 0) + 200
  // One call that is under way, the questions, the order.
  const cut = call + 3 * reading + order + 200
  return {
    call,
    look: lookMilliseconds + round,
    near: nearMilliseconds + round,
    // The question, whatever is asked with it, and the order.
    ordered: 2 * reading + order + 100,
    recovery: answerLimit + repair,
    cutOff: nearMilliseconds + cut,
    steadyCutOff: cut,
    otherCutOff: 2 * reading + order,
    steady: lookMilliseconds + 2 * nearMilliseconds + cut,
    repair,
    list: flavour === 'opennds' ? 75_000 : 5500,
    watched: 500 + round,
    mute: 2 * Math.max(lookMilliseconds, answerLimit),
  }
}

/**
 * By the times of the mock portal, with the start of an `ndsctl`: one reading of a device that is there, an order about it,
 * and the slowest call of all; openNDS looks for one that has left for a second.
 */
function measured(
  flavour: Script['settings']['flavour'],
  listed: number,
): Record<'reading' | 'order' | 'call', number> {
  if (flavour === 'nodogsplash') return { reading: 15, order: 60, call: 60 }
  return { reading: 35, order: (flavour === 'opennds' ? 150 : 810) + 2 * listed, call: 1100 + 2 * listed }
}
