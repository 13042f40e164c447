// Refusals: why a broker lets nobody in, or cannot be reached, as a fault with a code and in words.
import { FleetError } from './errors.ts'

// CONNACK codes for a wrong user: 4 and 5 of MQTT 3.1.1, 134 and 135 of MQTT 5.
const wrongUser: readonly unknown[] = [4, 5, 134, 135]

// OpenSSL's names for what the broker says of a certificate that was shown to it, or was not.
const alerts: readonly [RegExp, string][] = [
  [/^ERR_SSL_.*ALERT_CERTIFICATE_REQUIRED$/, 'asks for a certificate: give cert and key'],
  [/^ERR_SSL_.*ALERT_CERTIFICATE_EXPIRED$/, 'says that the certificate has expired'],
  [/^ERR_SSL_.*ALERT_UNKNOWN_CA$/, 'does not know the issuer of the certificate'],
  [/^ERR_SSL_.*ALERT_.*(?:CERTIFICATE|ACCESS_DENIED)/, 'does not accept the certificate'],
]

const distrust: Record<string, string> = {
  CERT_HAS_EXPIRED: 'its certificate has expired, or the clock here is wrong',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet, or the clock here is wrong',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is not known here: give the ca that vouches for it',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is not known here: give the ca that vouches for it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate is not known here: give the ca that vouches for it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate is not known here: give the ca that vouches for it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
}

/** `name`: the broker, for people. */
export function refusalBy(fault: unknown, name: string): FleetError {
  const { code } = Object(fault)
  if (wrongUser.includes(code)) return new FleetError('unauthorised', `${name} does not let this user in`, fault)
  const [, alert] = alerts.find(([form]) => form.test(String(code))) ?? []
  if (alert) return new FleetError('unauthorised', `${name} ${alert}`, fault)
  const why = distrust[String(code)] ?? 'is the broker running there?'
  return new FleetError('unreachable', `no connection to ${name}: ${why}`, fault)
}
