// Signed messages: nothing beside `{"jws": "..."}` is taken, and only the payload that was verified is read any further.
import * as z from 'zod'
import { parseJson } from '../../protocol/index.ts'
import { timestamp } from '../time/moment.ts'
import { claimedPayload, openJws, type TrustedKey } from './jws.ts'

/** A message that somebody trusted has signed for this router: its payload, and until when it may be applied. */
export interface SignedMessage {
  payload: Buffer
  until: string
}

/** `claimed`: the content that it has if it is what it says, to name it by. */
export type Opened = SignedMessage | { fault: string; claimed: object }

export type OpenSigned = (message: { payload: Uint8Array; bytes: number }) => Opened

interface Kind {
  typ: 'purchase+jws' | 'command+jws'
  /** The longest time for which a message may be signed, in seconds. */
  longest: number
}

const day = 86_400
export const signedPurchase: Kind = { typ: 'purchase+jws', longest: 30 * day }
export const signedCommand: Kind = { typ: 'command+jws', longest: day }

const Envelope = z.strictObject({ jws: z.string() })
// The latest second that a date can show.
const Seconds = z.int().min(0).max(253_402_300_799)
const Claims = z.object({ routerId: z.string(), prefix: z.string().default('router'), iat: Seconds, exp: Seconds })

/** Opens messages of one kind for one router. `keys`: the keys that are trusted now. */
export function signaturesFor(
  { typ, longest }: Kind,
  { routerId, topicPrefix }: { routerId: string; topicPrefix: string },
  keys: () => readonly TrustedKey[],
): OpenSigned {
  function faultOf(claims: z.output<typeof Claims> | undefined): string | undefined {
    if (!claims) return 'it must have routerId, iat and exp (whole seconds), and prefix unless that is router'
    if (claims.routerId !== routerId) return 'it was signed for another router'
    if (claims.prefix !== topicPrefix) return 'it was signed for another fleet'
    const seconds = claims.exp - claims.iat
    return seconds > 0 && seconds <= longest
      ? undefined
      : `its exp must lie after its iat, by ${longest} seconds at most`
  }

  return ({ payload, bytes }) => {
    const read = parseJson(payload, bytes, '{"jws": "..."}')
    if ('fault' in read) return { fault: read.fault, claimed: {} }
    const envelope = Envelope.safeParse(read.content)
    if (!envelope.success) return { fault: `only {"jws": "..."} with a ${typ} is taken here`, claimed: read.content }
    const { jws } = envelope.data
    const claimed = contentOf(claimedPayload(jws))
    const opened = openJws(jws, keys(), typ)
    if ('fault' in opened) return { fault: opened.fault, claimed }
    const { data: claims } = Claims.safeParse(contentOf(opened.payload))
    const fault = faultOf(claims)
    if (fault !== undefined || !claims) return { fault: fault ?? '', claimed }
    return { payload: opened.payload, until: timestamp(claims.exp * 1000) }
  }
}

function contentOf(payload: Buffer | undefined): object {
  const read = payload && parseJson(payload, payload.byteLength, 'one JSON object')
  return read && 'content' in read ? read.content : {}
}
