// The recorded answers to `ndsctl json`, as a person reads them: MAC, IP, token, state, volumes in the portal's unit,
// and at openNDS the number of the device's addresses where it is not one.

/** `clients`: a full list; `client`: the answer about one; `exit`: the call failed with that code. */
export type Reading =
  | { clients: string[]; version?: string; trusted?: string[] }
  | { client: string | undefined }
  | { exit: number }

export const readings: Record<string, Reading> = {
  'nodogsplash/00-notrunning-json-x': { exit: 3 },
  'nodogsplash/00-notrunning-json': { exit: 3 },
  'nodogsplash/00-stalesocket-json': { exit: 3 },
  'nodogsplash/02-empty-json-unknownmac': { client: undefined },
  'nodogsplash/02-empty-json': { clients: [] },
  'nodogsplash/03-pre-json-MAC-upper': { client: undefined },
  'nodogsplash/03-pre-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Preauthenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Preauthenticated 0 0',
    ],
  },
  'nodogsplash/03-pre-json-ip': { client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Preauthenticated 0 0' },
  'nodogsplash/03-pre-json-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Preauthenticated 0 0' },
  'nodogsplash/03-pre-json-token': { client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Preauthenticated 0 0' },
  'nodogsplash/04-json-after-10MB-up': {
    client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Authenticated 50121 10314',
  },
  'nodogsplash/04-json-after-50MB-down': { client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Authenticated 50108 69' },
  'nodogsplash/04-json-after-auth': { client: '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Authenticated 0 0' },
  'nodogsplash/04-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 ae83c47b Authenticated 50121 10314',
      '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Preauthenticated 0 0',
    ],
  },
  'nodogsplash/05-json-after-deauth': { client: '02:66:ca:fe:00:01 192.168.66.101 d78f64ea Preauthenticated 0 0' },
  'nodogsplash/05-json-after-reauth': { client: '02:66:ca:fe:00:01 192.168.66.101 d78f64ea Authenticated 0 0' },
  'nodogsplash/06-json-portal-auth-later': { client: '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Authenticated 0 0' },
  'nodogsplash/06-json-portal-auth-same-second': {
    client: '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Authenticated 0 0',
  },
  'nodogsplash/07-json-all-trusted': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 90ba3edc Authenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Authenticated 0 0',
    ],
  },
  'nodogsplash/07-json-c3-trusted-after-hit': { client: undefined },
  'nodogsplash/07-json-c3-trusted': { client: undefined },
  'nodogsplash/07-json-c3-untrusted': { client: undefined },
  'nodogsplash/07-json-trusted-unseen': { client: undefined },
  'nodogsplash/08-json-blocked': { client: undefined },
  'nodogsplash/10-s-option': { client: '02:66:ca:fe:00:02 192.168.66.102 acf345d4 Authenticated 0 0' },
  'nodogsplash/11-json-after-restart-statefile': {
    client: '02:66:ca:fe:00:01 192.168.66.101 5dea4fd7 Authenticated 20093 18',
  },
  'nodogsplash/12-maxclients-json-4th': { client: undefined },
  'nodogsplash/13-ipchange-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 e477a498 Authenticated 3005 4',
      '02:66:ca:fe:00:01 192.168.66.201 e5201653 Preauthenticated 0 0',
    ],
  },
  'nodogsplash/13-ipchange-json-mac-2': { client: '02:66:ca:fe:00:01 192.168.66.101 e477a498 Authenticated 3005 4' },
  'nodogsplash/13-ipchange-json-mac-before-hit': {
    client: '02:66:ca:fe:00:01 192.168.66.101 e477a498 Authenticated 3005 4',
  },
  'nodogsplash/13-ipchange-json-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 e477a498 Authenticated 3005 4' },
  'nodogsplash/13-ipchange-json-newip': { client: '02:66:ca:fe:00:01 192.168.66.201 e5201653 Authenticated 2002 2' },
  'nodogsplash/15-wedged-json': { exit: 124 },
  'opennds-10.3.1/02-empty-json-unknownmac': { client: undefined },
  'opennds-10.3.1/02-empty-json': { clients: [] },
  'opennds-10.3.1/03-pre-json-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 4828322d Preauthenticated 0 0' },
  'opennds-10.3.1/04-json-after-50MB-down-10MB-up': {
    client: '02:66:ca:fe:00:01 192.168.66.101 4828322d Authenticated 49011 9804',
  },
  'opennds-10.3.1/04-json-all': {
    clients: [
      '02:66:ca:fe:00:03 192.168.66.103 73dd9efd Authenticated 0 0',
      '02:66:ca:fe:00:01 192.168.66.101 4828322d Authenticated 49011 9804',
    ],
    version: '10.3.1',
  },
  'opennds-10.3.1/05-json-after-deauth': { client: undefined },
  'opennds-10.3.1/06-json-quota': { client: '02:66:ca:fe:00:02 192.168.66.102 3bf5c89c Authenticated 0 0' },
  'opennds-10.3.1/07-json-all-trusted': {
    clients: [
      '02:66:ca:fe:00:03 192.168.66.103 73dd9efd Authenticated 0 0',
      '02:66:ca:fe:00:01 192.168.66.101 3639faf9 Authenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 3bf5c89c Authenticated 0 0',
    ],
    version: '10.3.1',
    trusted: ['02:66:ca:fe:00:77'],
  },
  'opennds-10.3.1/09-busy-json': { exit: 4 },
  'opennds-10.3.1/14-json-absent-mac': { client: '02:66:ca:fe:00:02 192.168.66.102 3bf5c89c Authenticated 0 0 0' },
  'opennds-10.3.1/14-json-all-1-absent': {
    clients: [
      '02:66:ca:fe:00:03 192.168.66.103 73dd9efd Authenticated 0 0',
      '02:66:ca:fe:00:01 192.168.66.101 3639faf9 Authenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 3bf5c89c Authenticated 0 0 0',
    ],
    version: '10.3.1',
  },
  'opennds/00-notrunning-json-x': { exit: 3 },
  'opennds/00-notrunning-json': { exit: 3 },
  'opennds/00-stalesocket-json': { exit: 3 },
  'opennds/02-empty-json-short': { clients: [] },
  'opennds/02-empty-json-unknownmac': { client: undefined },
  'opennds/02-empty-json': { clients: [] },
  'opennds/03-pre-json-MAC-upper': { client: undefined },
  'opennds/03-pre-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 db257c0e Preauthenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 270c4724 Preauthenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/03-pre-json-ip': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Preauthenticated 0 0' },
  'opennds/03-pre-json-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Preauthenticated 0 0' },
  'opennds/03-pre-json-token': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Preauthenticated 0 0' },
  'opennds/04-json-after-10MB-up': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Authenticated 49220 9824' },
  'opennds/04-json-after-50MB-down': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Authenticated 49204 43' },
  'opennds/04-json-after-auth': { client: '02:66:ca:fe:00:01 192.168.66.101 db257c0e Authenticated 0 0' },
  'opennds/04-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 db257c0e Authenticated 49220 9824',
      '02:66:ca:fe:00:02 192.168.66.102 270c4724 Preauthenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/05-json-after-deauth-hit': { client: '02:66:ca:fe:00:01 192.168.66.101 c2be9db6 Preauthenticated 0 0' },
  'opennds/05-json-after-deauth': { client: undefined },
  'opennds/06-json-all-custom-quote': {
    clients: [
      '02:66:ca:fe:00:02 192.168.66.102 270c4724 Authenticated 0 0',
      '02:66:ca:fe:00:01 192.168.66.101 bbcc4d20 Authenticated 0 0',
      '02:66:ca:fe:00:03 192.168.66.103 6366891d Authenticated 0 0',
      '02:66:ca:fe:00:04 192.168.66.104 81085fc5 Authenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/06-json-custom-quote': { client: '02:66:ca:fe:00:04 192.168.66.104 81085fc5 Authenticated 0 0' },
  'opennds/06-json-quota-b64': { client: '02:66:ca:fe:00:03 192.168.66.103 6366891d Authenticated 0 0' },
  'opennds/06-json-quota': { client: '02:66:ca:fe:00:02 192.168.66.102 270c4724 Authenticated 0 0' },
  'opennds/07-json-all-trusted': {
    clients: [
      '02:66:ca:fe:00:02 192.168.66.102 270c4724 Authenticated 0 0',
      '02:66:ca:fe:00:01 192.168.66.101 bbcc4d20 Authenticated 0 0',
      '02:66:ca:fe:00:03 192.168.66.103 6366891d Authenticated 0 0',
    ],
    version: '9.10.0',
    trusted: ['02:66:ca:fe:00:01', '02:66:ca:fe:00:77'],
  },
  'opennds/07-json-trusted-unseen': { client: undefined },
  'opennds/09-busy-json': { exit: 4 },
  'opennds/10-s-option': { client: '02:66:ca:fe:00:02 192.168.66.102 270c4724 Authenticated 0 0' },
  'opennds/12-maxclients-json': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 22361ed3 Preauthenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 47158158 Preauthenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/13-ipchange-json-all': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 5a8fb300 Authenticated 2934 4 2',
      '02:66:ca:fe:00:01 192.168.66.201 c324c985 Preauthenticated 0 0 2',
    ],
    version: '9.10.0',
  },
  'opennds/13-ipchange-json-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 5a8fb300 Authenticated 2934 4 2' },
  'opennds/14-json-absent-mac': { client: '02:66:ca:fe:00:02 192.168.66.102 62d825b5 Authenticated 0 0 0' },
  'opennds/14-json-all-4-of-6-absent': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 5c9aaf86 Authenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 62d825b5 Authenticated 0 0 0',
      '02:66:ca:fe:00:03 192.168.66.103 ad4fb16c Authenticated 0 0 0',
      '02:66:ca:fe:00:04 192.168.66.104 629b4dda Authenticated 0 0 0',
      '02:66:ca:fe:00:05 192.168.66.105 1679a4f5 Authenticated 0 0 0',
      '02:66:ca:fe:00:06 192.168.66.106 8cf43bd0 Authenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/14-json-all-6-present': {
    clients: [
      '02:66:ca:fe:00:01 192.168.66.101 5c9aaf86 Authenticated 0 0',
      '02:66:ca:fe:00:02 192.168.66.102 62d825b5 Authenticated 0 0',
      '02:66:ca:fe:00:03 192.168.66.103 ad4fb16c Authenticated 0 0',
      '02:66:ca:fe:00:04 192.168.66.104 629b4dda Authenticated 0 0',
      '02:66:ca:fe:00:05 192.168.66.105 1679a4f5 Authenticated 0 0',
      '02:66:ca:fe:00:06 192.168.66.106 8cf43bd0 Authenticated 0 0',
    ],
    version: '9.10.0',
  },
  'opennds/14-json-present-mac': { client: '02:66:ca:fe:00:01 192.168.66.101 5c9aaf86 Authenticated 0 0' },
  'opennds/15-wedged-json': { exit: 124 },
  'opennds/15-wedged-second-ndsctl': { exit: 4 },
  'opennds/16-prefix-json-all-after-deauth-of-.10': {
    clients: [
      '02:66:ca:fe:00:02 192.168.66.101 08d5287f Authenticated 0 0',
      '02:66:ca:fe:00:03 192.168.66.110 8bc3fc98 Authenticated 1956 3',
    ],
    version: '9.10.0',
  },
  'opennds/17-preemptive-json': { client: '02:66:ca:fe:00:01 192.168.66.101 d2a5651a Authenticated 0 0' },
  'opennds/18-after-kill9-json': { exit: 3 },
  'opennds/18-after-restart-json': { clients: [] },
  'opennds/18-after-stop-json': { exit: 3 },
}
