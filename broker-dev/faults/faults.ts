// The faults that can be put into a simulated fleet, by a key of the terminal or a click on the page: the closed list.

export type FaultId =
  | 'kill-agent'
  | 'restart-portal'
  | 'hang-portal'
  | 'log-out'
  | 'share-address'
  | 'flush-firewall'
  | 'fill-disk'
  | 'drop-broker'
  | 'slow-link'
  | 'jump-clock'
  | 'unplug-device'

export interface Fault {
  id: FaultId
  /** One key of the keyboard. */
  key: string
  /** A few words, for a button. */
  name: string
  /** One sentence, for who wants to know before. */
  does: string
  target: 'router' | 'device' | 'fleet'
  /** In the fleet's own time; without it the fault is over as soon as it has happened. */
  healsAfterMilliseconds?: number
}

const second = 1000

export const faults: readonly Fault[] = [
  {
    ...{ id: 'kill-agent', key: 'k', name: 'kill the agent', target: 'router', healsAfterMilliseconds: 10 * second },
    does: 'The agent is gone from one moment to the next, as by SIGKILL; it is started again after 10 s.',
  },
  {
    ...{ id: 'restart-portal', key: 'r', name: 'restart the portal', target: 'router' },
    does: 'The portal starts again: every gate is shut, and it has forgotten everybody.',
  },
  {
    ...{ id: 'hang-portal', key: 'h', name: 'hang the portal', target: 'router', healsAfterMilliseconds: 30 * second },
    does: 'The portal answers nobody for 30 s; gates stay as they are.',
  },
  {
    ...{ id: 'log-out', key: 'l', name: 'log a customer out', target: 'device' },
    does: "A customer who is online opens the portal's own page and logs out, although something is left.",
  },
  {
    ...{
      ...{ id: 'share-address', key: 'a', name: 'two devices at one IP', target: 'device' },
      healsAfterMilliseconds: 30 * second,
    },
    does: 'A second device speaks from the IP of one that is online, for 30 s.',
  },
  {
    ...{
      ...{ id: 'flush-firewall', key: 'f', name: 'flush the firewall', target: 'router' },
      healsAfterMilliseconds: 60 * second,
    },
    does: "Somebody empties the router's firewall: everybody is through and nothing is counted, until the portal is restarted after 60 s.",
  },
  {
    ...{ id: 'fill-disk', key: 'd', name: 'fill the disk', target: 'router', healsAfterMilliseconds: 30 * second },
    does: "The router's disk is full for 30 s: no write goes through, so nothing may be sold.",
  },
  {
    ...{ id: 'drop-broker', key: 'b', name: 'drop the broker', target: 'fleet', healsAfterMilliseconds: 10 * second },
    does: 'The broker is gone, with all that it kept; another one stands in its place after 10 s.',
  },
  {
    ...{ id: 'slow-link', key: 's', name: 'slow the link', target: 'router', healsAfterMilliseconds: 60 * second },
    does: "The router's way to the broker takes 2 s in each direction and carries 1,000 bytes a second, for 60 s.",
  },
  {
    ...{ id: 'jump-clock', key: 'c', name: 'jump the clock', target: 'router', healsAfterMilliseconds: 60 * second },
    does: "The router's clock is 3 hours ahead for 60 s, and its portal takes everybody for idle.",
  },
  {
    ...{
      id: 'unplug-device',
      key: 'u',
      name: 'unplug a device',
      target: 'device',
      healsAfterMilliseconds: 30 * second,
    },
    does: 'A device that is online is out of range for 30 s.',
  },
]

export type InjectAnswer = Injected | Healed | Impossible

export interface Injected {
  outcome: 'injected'
  /** The deed, in words. */
  did: string
  /** The devices that it was done to. */
  macs: readonly string[]
  healsAfterMilliseconds?: number
}

/** It was there, and is over now. */
export interface Healed {
  outcome: 'healed'
  did: string
}

export interface Impossible {
  outcome: 'impossible'
  code:
    | 'unknown-fault'
    | 'unknown-router'
    | 'under-way'
    | 'agent-is-down'
    | 'nobody-online'
    | 'nobody-else'
    | 'not-here'
  /** Why it cannot be done now, and when it can. */
  why: string
}
