// `ndsctl` without a socket or a process: what most tests drive a mock portal with.

import { answerNdsctl } from './answer.ts'
import { type Ending, ndsctl } from './ndsctl.ts'
import type { MockPortal } from './world.ts'

export function inProcess(portal: MockPortal): (args: string[]) => Promise<Ending> {
  const send = (request: string) => answerNdsctl(portal, request.replace(/\r\n\r\n$/, ''))
  return (args) => ndsctl(args, { flavour: portal.flavour, send })
}
