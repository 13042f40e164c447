// Why a broker refuses, disconnects or cannot be reached, in words a router's owner can act on.

/** MQTT 5 reason codes, and the return codes of an MQTT 3.1.1 CONNACK (1 to 5). */
const codes: Record<number, string> = {
  1: 'the broker does not speak this MQTT version (see AGENT_MQTT_VERSION)',
  2: 'the broker refuses the client id',
  3: 'the broker is not available',
  4: 'the broker refuses the user name or the password',
  5: 'the broker does not let this client in',
  128: 'the broker gives no reason',
  129: 'the broker calls a packet malformed',
  130: 'the broker sees a protocol error',
  131: 'the broker refuses it for a reason of its own',
  132: 'the broker does not speak this MQTT version (see AGENT_MQTT_VERSION)',
  133: 'the broker refuses the client id',
  134: 'the broker refuses the user name or the password',
  135: 'the broker does not allow it: check the permissions of this client',
  136: 'the broker is not available',
  137: 'the broker is busy',
  138: 'the broker has banned this client',
  139: 'the broker is shutting down',
  140: 'the broker asks for another way of authentication',
  141: 'the broker heard nothing for too long',
  142: 'another client has taken the connection over',
  143: 'the broker does not take the topic filter',
  144: 'the broker does not take the topic',
  147: 'the broker got more at once than it takes',
  149: 'the broker does not take so large a packet',
  150: 'the broker gets messages too often',
  151: "the broker's quota for this client is used up",
  152: "the broker's administrator ended the connection",
  153: 'the broker does not take the payload',
  154: 'the broker keeps no retained messages',
  155: 'the broker takes QoS 0 only',
  156: 'the broker asks to use another server',
  157: 'the broker has moved',
  159: 'the broker gets connections too often',
  160: 'the broker ends every connection after a time',
}

/** A code in words, with the code itself for whoever looks it up. */
export function reasonOf(code: number): string {
  return `${codes[code] ?? 'the broker refuses it'} (${codeText(code)})`
}

export const codeText = (code: number): string => `0x${code.toString(16).padStart(2, '0').toUpperCase()}`

export const takenOver = 0x8e
export const retainNotSupported = 0x9a

const systemErrors: Record<string, string> = {
  ECONNREFUSED: 'nothing listens at that address',
  ECONNRESET: 'the connection was reset',
  EHOSTUNREACH: 'there is no way to that address',
  ENETUNREACH: 'there is no network',
  ENOTFOUND: 'the name is not known (DNS)',
  EAI_AGAIN: 'the name cannot be asked for now (DNS)',
  ETIMEDOUT: 'nobody answers at that address',
  EPIPE: 'the connection was lost',
  CERT_HAS_EXPIRED: "the broker's certificate has expired, or this router's clock is wrong",
  CERT_NOT_YET_VALID: "the broker's certificate is not valid yet, or this router's clock is wrong",
  DEPTH_ZERO_SELF_SIGNED_CERT: "the broker's certificate is signed by itself: name it in AGENT_MQTT_CA_FILE",
  SELF_SIGNED_CERT_IN_CHAIN: "the broker's certificate is not known here: name its issuer in AGENT_MQTT_CA_FILE",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "the broker's certificate is not known here: name its issuer in AGENT_MQTT_CA_FILE",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    "the broker's certificate is not known here: name its issuer in AGENT_MQTT_CA_FILE",
  ERR_SSL_WRONG_VERSION_NUMBER: 'the broker speaks no TLS at that port',
  ERR_TLS_CERT_ALTNAME_INVALID: "the broker's certificate is for another name",
}

// The last words of OpenSSL's names for what a TLS peer complains of; what stands before them differs between versions.
const alerts: Record<string, string> = {
  CERTIFICATE_REQUIRED:
    'the broker asks for a certificate: name one in AGENT_MQTT_CERT_FILE and its key in AGENT_MQTT_KEY_FILE',
  CERTIFICATE_EXPIRED: "the broker says that this router's certificate has expired",
  CERTIFICATE_REVOKED: "the broker says that this router's certificate was revoked",
  CERTIFICATE_UNKNOWN: "the broker does not accept this router's certificate",
  BAD_CERTIFICATE: "the broker does not accept this router's certificate",
  UNSUPPORTED_CERTIFICATE: "the broker does not accept this router's certificate",
  UNKNOWN_CA: "the broker does not know the issuer of this router's certificate",
  ACCESS_DENIED: "the broker does not let this router's certificate in",
  HANDSHAKE_FAILURE: 'the broker and this router have no way of encryption in common, or it asks for a certificate',
  PROTOCOL_VERSION: 'the broker and this router have no version of TLS in common',
}

function alertOf(code: string): string | undefined {
  const [, name = ''] = /^ERR_SSL_.*ALERT_(.+)$/.exec(code) ?? []
  return alerts[name]
}

/** A fault of the network, of TLS or of MQTT.js in one line. */
export function faultInWords(err: unknown): string {
  // A name with several addresses that all fail is one error with several inside.
  const one = err instanceof AggregateError && err.errors.length > 0 ? err.errors[0] : err
  const code = (one as { code?: unknown } | undefined)?.code
  if (typeof code === 'number') return reasonOf(code)
  const known = typeof code === 'string' ? (systemErrors[code] ?? alertOf(code)) : undefined
  if (known !== undefined) return `${known} (${code})`
  const message = one instanceof Error ? one.message : String(one)
  if (/connack timeout/i.test(message)) return 'the broker did not answer CONNECT in time'
  return typeof code === 'string' && !message.includes(code) ? `${message} (${code})` : message
}
