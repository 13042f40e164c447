// The text that each daemon's `ndsctl` prints about itself, to the letter: programs tell the two apart by it.

/** The help of nodogsplash 5.0.2's `ndsctl`. */
export const nodogsplashUsage = `Usage: ndsctl [options] command [arguments]

options:
  -s <path>           Path to the socket
  -h                  Print usage

commands:
  status              View the status of nodogsplash
  clients             Display machine-readable client list
  json [mac|ip|token] Display client list in json format
  stop                Stop the running nodogsplash
  auth mac|ip|token   Authenticate user with specified mac, ip or token
  deauth mac|ip|token Deauthenticate user with specified mac, ip or token
  block mac           Block the given MAC address
  unblock mac         Unblock the given MAC address
  allow mac           Allow the given MAC address
  unallow mac         Unallow the given MAC address
  trust mac           Trust the given MAC address
  untrust mac         Untrust the given MAC address
  debuglevel n        Set debug level to n

`

/** The help of openNDS 9.10's `ndsctl`; 10.3.1's own wording is not known here. */
export const openndsUsage = `Usage: ndsctl [options] command [arguments]

options:
  -s <path>           Deprecated and ignored - Path to the socket, config setting is used instead
  -h                  Print usage

commands:
  status
\tView the status of opennds

  json\tmac|ip|token(optional)
\tDisplay client list in json format
\tmac|ip|token is optional, if not specified, all clients are listed

  stop
\tStop the running opennds

  auth mac|ip|token sessiontimeout(minutes) uploadrate(kb/s) downloadrate(kb/s) uploadquota(kB) downloadquota(kB) customstring
\tAuthenticate client with specified mac, ip or token

\tsessiontimeout sets the session duration. Unlimited if 0, defaults to global setting if null (double quotes).
\tThe client will be deauthenticated once the sessiontimout period has passed.

\tuploadrate and downloadrate are the maximum allowed data rates. Unlimited if 0, global setting if null ("").

\tuploadquota and downloadquota are the maximum volumes of data allowed. Unlimited if 0, global setting if null ("").

\tcustomstring is a custom string that will be passed to BinAuth.

\tExample: ndsctl auth 10.13.1.138 1400 300 1500 500000 1000000 "This is a Custom String"

  deauth mac|ip|token
\tDeauthenticate user with specified mac, ip or token

  block mac
\tBlock the given MAC address

  unblock mac
\tUnblock the given MAC address

  allow mac
\tAllow the given MAC address

  unallow mac
\tUnallow the given MAC address

  trust mac
\tTrust the given MAC address

  untrust mac
\tUntrust the given MAC address

  debuglevel n
\tSet debug level to n (0=silent, 1=Normal, 2=Info, 3=debug)

  b64decode "string_to_decode"
\tBase 64 decode the given string

  b64encode "string_to_encode"
\tBase 64 encode the given string

`
