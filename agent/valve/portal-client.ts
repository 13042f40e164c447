// One model for both portals: what `ndsctl json` says of a device, in bytes.
import type { Mac, PortalKind } from '../../protocol/index.ts'

/** One entry of the portal's list. A device with a new IP has two of them. */
export interface PortalClient {
  mac: Mac
  ip: string
  /** Names the entry; changes at every deauth (nodogsplash) or with every new entry (openNDS). */
  token: string
  /** Whether the portal shows its gate open. */
  open: boolean
  /** Bytes towards the device since its gate opened, as exact as the portal tells them. */
  downloaded: number
  uploaded: number
}

/** One full answer of the portal. */
export interface PortalList {
  kind: Exclude<PortalKind, 'unknown'>
  /** Only openNDS says it with its list. */
  version?: string
  clients: PortalClient[]
  /** Devices that the router's owner lets through for nothing; only openNDS lists them here. */
  trusted: Mac[]
}
