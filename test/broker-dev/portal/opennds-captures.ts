// How each recorded answer of openNDS 9.10 and 10.3.1 comes about.
import { type Arrangement, asked, at, gone, ip, joined, known, later, mac, moved } from './scene.ts'

const neverStarted: Arrangement = (scene) => {
  scene.socketFile = false
}
const stopped: Arrangement = ({ portal }) => portal.stop()
const restarted: Arrangement = ({ portal }) => portal.restart()
const busy: Arrangement = ({ portal }) => {
  portal.faults.busy = true
}
const lying: Arrangement = ({ portal }) => {
  portal.faults.lieOnAuth = true
}

const open = [known(1, 2), asked(`auth ${mac(1)}`), later(1)]
const used = [...open, moved(1, 49_220, 9824)]
const shut = [...used, asked(`deauth ${mac(1)}`)]
const back = [...shut, known(1)]
const reopened = [...back, asked(`auth ${mac(1)}`)]
const quota = [...reopened, asked(`auth ${mac(2)},60,0,0,1000,2000,hello world`)]
const encoded = [...quota, known(3), asked(`auth ${mac(3)},,,,,5000,aGVsbG8=`)]
const quoted = [...encoded, known(4), asked(`auth ${mac(4)},0,0,0,0,0,a"b,c`)]
const trusted = [...quoted, asked(`deauth ${mac(4)}`, `trust ${mac(77)}`)]
const moving = [at(1, ip(1)), asked(`auth ${mac(1)}`), later(1), moved(1, 2934, 4)]
const changed = [...moving, at(1, '192.168.66.201')]
const crowd = [1, 2, 3, 4, 5, 6]
const six = [known(...crowd), asked(...crowd.map((device) => `auth ${mac(device)}`))]
const prefixed = [at(1, '192.168.66.10'), at(2, '192.168.66.101'), at(3, '192.168.66.110')]
const victim = [
  ...prefixed,
  asked(...[1, 2, 3].map((device) => `auth ${mac(device)}`)),
  asked(`deauth ${mac(1)}`),
  moved(2, 1956, 3),
  moved(3, 1956, 3),
]

/** Of openNDS 9.10 as it comes; the 17-* were recorded with preemptive authentication on. */
export const openndsCaptures: Record<string, Arrangement[]> = {
  '00-notrunning-auth-x': [neverStarted],
  '00-notrunning-deauth-x': [neverStarted],
  '00-notrunning-json': [neverStarted],
  '00-notrunning-json-x': [neverStarted],
  '00-notrunning-status-x': [neverStarted],
  '00-notrunning-trust-x': [neverStarted],
  '00-stalesocket-json': [stopped],
  '01-clients': [],
  '01-help': [],
  '01-nargs': [],
  '01-unknowncmd': [],
  '02-auth-garbage': [],
  '02-auth-noarg': [],
  '02-auth-unknown': [],
  '02-deauth-unknown': [],
  '02-empty-json': [],
  '02-empty-json-short': [],
  '02-empty-json-unknownmac': [],
  '02-empty-status': [],
  '03-pre-deauth': [known(1, 2)],
  '03-pre-json-MAC-upper': [known(1, 2)],
  '03-pre-json-all': [known(1, 2)],
  '03-pre-json-ip': [known(1, 2)],
  '03-pre-json-mac': [known(1, 2)],
  '03-pre-json-token': [known(1, 2)],
  '03-pre-status': [known(1, 2)],
  '04-auth': [known(1, 2)],
  '04-auth-again': open,
  '04-auth-again-quota': open,
  '04-json-after-10MB-up': used,
  '04-json-after-50MB-down': [...open, moved(1, 49_204, 43)],
  '04-json-after-auth': open,
  '04-json-all': used,
  '04-status': used,
  '05-auth-after-deauth-nohit': shut,
  '05-auth-by-ip': back,
  '05-auth-by-token': back,
  '05-deauth': used,
  '05-deauth-again': shut,
  '05-deauth-by-ip': reopened,
  '05-json-after-deauth': shut,
  '05-json-after-deauth-hit': back,
  '06-auth-custom-quote': [...encoded, known(4)],
  '06-auth-quota': reopened,
  '06-auth-quota-b64': [...quota, known(3)],
  '06-json-all-custom-quote': quoted,
  '06-json-custom-quote': quoted,
  '06-json-quota': quota,
  '06-json-quota-b64': encoded,
  '07-json-all-trusted': [...trusted, asked(`trust ${mac(1)}`)],
  '07-json-trusted-unseen': trusted,
  '07-trust': [],
  '07-trust-again': trusted,
  '07-trust-known-preauth': trusted,
  '07-untrust': trusted,
  '07-untrust-again': [],
  '08-block': [],
  '08-unblock': [asked(`block ${mac(4)}`)],
  '09-busy-auth': [busy],
  '09-busy-json': [busy],
  '10-s-option': quota,
  '12-maxclients-auth-3rd': [known(1, 2), known(3)],
  '12-maxclients-json': [known(1, 2), known(3)],
  '13-ipchange-auth-mac': changed,
  '13-ipchange-auth-newip': changed,
  '13-ipchange-deauth-mac': changed,
  '13-ipchange-json-all': changed,
  '13-ipchange-json-mac': changed,
  '14-auth-while-json-runs': [...six, busy],
  '14-json-absent-mac': [...six, gone(2, 3, 4, 5)],
  '14-json-all-4-of-6-absent': [...six, gone(2, 3, 4, 5)],
  '14-json-all-6-present': six,
  '14-json-present-mac': six,
  // The one that hangs holds the lock.
  '15-wedged-second-ndsctl': [busy],
  '16-prefix-json-all-after-deauth-of-.10': victim,
  '16-prefix-reauth-victim': victim,
  '17-preemptive-auth-after-deauth-nohit': [joined(1), asked(`auth ${mac(1)}`, `deauth ${mac(1)}`)],
  '17-preemptive-auth-again': [joined(1), asked(`auth ${mac(1)}`)],
  '17-preemptive-auth-arp': [joined(1)],
  '17-preemptive-auth-noarp': [joined(1), gone(1)],
  '17-preemptive-auth-wrong': [joined(1)],
  '17-preemptive-deauth': [joined(1), asked(`auth ${mac(1)}`)],
  '17-preemptive-json': [joined(1), asked(`auth ${mac(1)},60,0,0,0,5000`)],
  // To a caller, a killed daemon is a stopped one; that its gates stay as they were is not modelled.
  '18-after-kill9-json': [stopped],
  '18-after-restart-json': [...open, restarted],
  '18-after-stop-json': [stopped],
  '19-auth-while-firewall-chain-missing': [known(7), lying],
}

const preemptive = [joined(3), asked(`auth ${mac(3)}`)]
const opened = [...preemptive, known(1), asked(`auth ${mac(1)}`), later(1)]
const spent = [...opened, moved(1, 49_011, 9804)]
const again = [...spent, asked(`deauth ${mac(1)}`, `auth ${mac(1)}`)]
const limited = [...again, known(2), asked(`auth ${mac(2)},60,0,0,1000,2000,hello world`)]

export const opennds10Captures: Record<string, Arrangement[]> = {
  '02-auth-unknown-arp': [joined(3)],
  '02-auth-unknown-noarp': [],
  '02-block': [],
  '02-clients': [],
  '02-empty-json': [],
  '02-empty-json-unknownmac': [],
  '03-pre-deauth': [...preemptive, known(1)],
  '03-pre-json-mac': [...preemptive, known(1)],
  '04-auth': [...preemptive, known(1)],
  '04-auth-again': opened,
  '04-json-after-50MB-down-10MB-up': spent,
  '04-json-all': spent,
  '04-status': spent,
  '05-auth-after-deauth-nohit': [...spent, asked(`deauth ${mac(1)}`)],
  '05-deauth': spent,
  '05-deauth-again': [...spent, asked(`deauth ${mac(1)}`)],
  '05-json-after-deauth': [...spent, asked(`deauth ${mac(1)}`)],
  '06-auth-quota': again,
  '06-auth-quota-2': [...again, known(2)],
  '06-json-quota': limited,
  '07-json-all-trusted': [...limited, asked(`trust ${mac(77)}`)],
  '07-trust': [],
  '07-untrust': [asked(`trust ${mac(77)}`)],
  '09-busy-auth': [busy],
  '09-busy-json': [busy],
  '14-json-absent-mac': [...limited, gone(2)],
  '14-json-all-1-absent': [...limited, gone(2)],
}

/** Recorded answers the mock does not give, and why. */
export const openndsLeftOut: Record<string, string> = {
  '15-wedged-auth': 'no answer at all, ended by timeout(1) with 124',
  '15-wedged-json': 'no answer at all, ended by timeout(1) with 124',
}
