// A broker examined: what it keeps, in which order and how fast, found out by trying, on topics of its own that it clears away.
import { randomBytes } from 'node:crypto'
import { addressesOf } from '../client/address.ts'
import { FleetError } from '../client/errors.ts'
import type { FleetOptions } from '../client/options.ts'
import { delay, lastWill, qosAndOrder, retainedByWildcard, shared, size, version5 } from './delivery-trials.ts'
import { outage, queue, sessions } from './keeping-trials.ts'
import { rawClient } from './raw-client.ts'
import type { Finding, Room } from './trial.ts'

export interface DoctorOptions {
  fleet: FleetOptions
  /** Stops the broker in order and starts it again. */
  restart?: () => Promise<void>
  /** Kills the broker and starts it again. */
  kill?: () => Promise<void>
  /** How many messages wait for one that is away. */
  queued?: number
}

const usualQueue = 3000

export async function examine({ fleet, restart, kill, queued = usualQueue }: DoctorOptions): Promise<Finding[]> {
  const [address] = addressesOf(fleet)()
  if (!address) throw new FleetError('invalid-argument', 'url: none is given')
  const run = randomBytes(4).toString('hex')
  const id = (name: string) => `tollgate-doctor-${run}-${name}`
  const room: Room = {
    address,
    id,
    topic: (name) => `tollgate-doctor-${run}/${name}/status`,
    open: (name, options = {}) => rawClient(address, { clientId: id(name), clean: true, ...options }),
  }
  const trials: (() => Promise<Finding>)[] = [
    () => qosAndOrder(room),
    () => retainedByWildcard(room),
    () => lastWill(room),
    () => sessions(room),
    () => queue(room, queued),
    () => shared(room),
    () => size(room),
    () => delay(room),
    () => version5(room),
    () => outage(room, 'an orderly restart', restart),
    () => outage(room, 'a kill', kill),
  ]
  const findings: Finding[] = []
  // One after the other: each has the broker for itself.
  for (const trial of trials) findings.push(await trial())
  return findings
}
