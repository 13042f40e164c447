// The portals' dialects: nodogsplash (numbers of 1000 bytes) and openNDS (strings of KiB), read into one model.
// What cannot be read is refused as a whole: an unreadable number is never taken for 0.
import * as z from 'zod'
import { AnyMac, type Mac, type PortalKind } from '../../protocol/index.ts'
import { PortalFault } from './fault.ts'
import type { PortalClient, PortalList } from './portal-client.ts'

type Kind = Exclude<PortalKind, 'unknown'>

/** Reads the answer to `ndsctl json`; which portal it is shows in the answer. */
export function parseList(stdout: string): PortalList {
  return read(stdout, (json) => {
    const kind = kindOf(json)
    const { clients } = Clients.parse(json)
    const trusted = Trusted.parse(json).trusted ?? []
    const version = Object.values(clients).map((client) => Versioned.safeParse(client).data?.version)[0]
    return {
      kind,
      ...(version !== undefined && { version }),
      clients: Object.values(clients).map((client) => clientOf(client, kind)),
      trusted,
    }
  })
}

/** Reads the answer to `ndsctl json <token>`: one client, or none when the portal does not know it. */
export function parseClient(stdout: string): PortalClient | undefined {
  return read(stdout, (json) => {
    if (Object.keys(json).length === 0) return undefined
    return clientOf(json, 'download_this_session' in json ? 'opennds' : 'nodogsplash')
  })
}

/** What `ndsctl status` says beside the list: the version, and at nodogsplash the devices that the owner trusts. */
export interface PortalStatus {
  version?: string
  trusted: Mac[]
}

/** Reads the answer to `ndsctl status`, text for people. */
export function parseStatus(stdout: string): PortalStatus {
  const version = /^Version: (\S+)$/m.exec(stdout)?.[1]
  const rows = /^Trusted MAC addresses:((?:\n {2}\S+)+)/m.exec(stdout)?.[1] ?? ''
  const trusted = rows.split('\n').flatMap((row) => AnyMac.safeParse(row.trim()).data ?? [])
  return { ...(version !== undefined && { version }), trusted }
}

const Clients = z.object({ clients: z.record(z.string(), z.unknown()) })
const Trusted = z.object({ trusted: z.array(AnyMac).optional() })
const Versioned = z.object({ version: z.string() })
const named = { mac: AnyMac, ip: z.string(), token: z.string(), state: z.string() }

const KiloBytes = z
  .int()
  .min(0)
  .max(Math.floor(Number.MAX_SAFE_INTEGER / 1000))

// nodogsplash prints bytes / 1000, rounded down.
const NodogsplashClient = z
  .object({ ...named, downloaded: KiloBytes, uploaded: KiloBytes })
  .transform((client) => clientFrom(client, client.downloaded * 1000, client.uploaded * 1000))

const KibiBytes = z
  .string()
  .regex(/^\d{1,12}$/)
  .transform((text) => Number(text) * 1024)

// openNDS prints bytes / 1024, rounded down, and every value as a string.
const OpenndsClient = z
  .object({
    ...named,
    clientif: z.string().optional(),
    download_this_session: KibiBytes,
    upload_this_session: KibiBytes,
  })
  .transform(({ clientif, download_this_session, upload_this_session, ...client }) => ({
    ...clientFrom(client, download_this_session, upload_this_session),
    ...(clientif !== undefined && { addresses: addressesIn(clientif) }),
  }))

// openNDS prints the interface once for each address that the LAN knows of the device: "", "br-lan", "br-lanbr-lan".
function addressesIn(clientif: string): number {
  if (clientif === '') return 0
  const [, name] = /^(.+?)\1+$/.exec(clientif) ?? []
  return name === undefined ? 1 : clientif.length / name.length
}

function clientFrom(
  { mac, ip, token, state }: Pick<PortalClient, 'mac' | 'ip' | 'token'> & { state: string },
  downloaded: number,
  uploaded: number,
): PortalClient {
  return { mac, ip, token, open: state === 'Authenticated', downloaded, uploaded }
}

function clientOf(json: unknown, kind: Kind): PortalClient {
  return kind === 'opennds' ? OpenndsClient.parse(json) : NodogsplashClient.parse(json)
}

function kindOf(json: object): Kind {
  if ('client_list_length' in json) return 'opennds'
  if ('client_length' in json) return 'nodogsplash'
  throw new Error('neither nodogsplash nor openNDS answers like this')
}

function read<T>(stdout: string, as: (json: object) => T): T {
  try {
    const json: unknown = JSON.parse(repaired(stdout))
    return as(z.looseObject({}).parse(json))
  } catch (cause) {
    throw new PortalFault('portal-garbled', `the portal's answer cannot be read: ${excerpt(stdout)}`, { cause })
  }
}

/** What both daemons print that is no JSON, or that JSON.parse would drop. */
function repaired(stdout: string): string {
  let entries = 0
  return (
    stdout
      // nodogsplash divides by a duration of zero: "avg_down_speed":inf
      .replaceAll(/":\s*-?(?:inf|nan)(?=\s*[,}\r\n])/gi, '":null')
      // openNDS prints its custom string as it came, quotes and all.
      .replaceAll(/^(\s*"custom":)"(.*)"(,?)$/gm, (_, key, custom, comma) => key + JSON.stringify(custom) + comma)
      // A device with two IPs stands there twice under one key, and both count.
      .replaceAll(/"((?:[0-9a-f]{2}:){5}[0-9a-f]{2})"(\s*:\s*\{)/gi, (_, mac, opens) => `"${mac} ${entries++}"${opens}`)
  )
}

function excerpt(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line === '' ? '(nothing)' : line.length > 120 ? `${line.slice(0, 120)}...` : line
}
