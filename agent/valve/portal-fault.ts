// Faults of the portal: the closed list that the agent acts on.

export type PortalFaultCode =
  /** The daemon is not running: everybody is on line. */
  | 'portal-down'
  /** Another `ndsctl` holds the daemon, through all retries. */
  | 'portal-busy'
  /** No answer within the time limit. */
  | 'portal-silent'
  /** An answer that cannot be read. */
  | 'portal-garbled'
  /** `ndsctl` failed in a way of its own. */
  | 'ndsctl-failed'
  /** There is no such program. */
  | 'ndsctl-missing'

/** The portal could not be asked; says nothing about any gate. */
export class PortalFault extends Error {
  override name = 'PortalFault'
  readonly code: PortalFaultCode

  constructor(code: PortalFaultCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
