// How each recorded answer of nodogsplash comes about.
import { type Arrangement, asked, at, gone, ip, joined, known, later, mac, moved } from './scene.ts'

const neverStarted: Arrangement = (scene) => {
  scene.socketFile = false
}
const stopped: Arrangement = ({ portal }) => portal.stop()
const lying: Arrangement = ({ portal }) => {
  portal.faults.lieOnAuth = true
}
const splash: Arrangement = ({ portal }) => {
  portal.splashLogin(mac(2))
  portal.transfer(mac(2), { downloaded: 390, uploaded: 105 })
}

const restartedWithStateFile: Arrangement = ({ portal }) => portal.restart({ keepsClients: true })

const open = [known(1, 2), asked(`auth ${mac(1)}`)]
const used = [...open, moved(1, 50_121, 10_314)]
const shut = [...used, asked(`deauth ${mac(1)}`)]
const reopened = [...shut, asked(`auth ${mac(1)}`)]
const trusted = [...reopened, splash, later(2), asked(`trust ${mac(77)}`)]
const third = [joined(3), asked(`trust ${mac(3)}`)]
const moving = [at(1, ip(1)), asked(`auth ${mac(1)}`), moved(1, 3005, 4)]
const changed = [...moving, at(1, '192.168.66.201')]
const both = [...changed, asked('auth 192.168.66.201'), moved(1, 2002, 2)]

export const nodogsplashCaptures: Record<string, Arrangement[]> = {
  '00-notrunning-auth-x': [neverStarted],
  '00-notrunning-clients-x': [neverStarted],
  '00-notrunning-deauth-x': [neverStarted],
  '00-notrunning-json': [neverStarted],
  '00-notrunning-json-x': [neverStarted],
  '00-notrunning-status-x': [neverStarted],
  '00-notrunning-trust-x': [neverStarted],
  '00-stalesocket-json': [stopped],
  '01-help': [],
  '01-nargs': [],
  '01-toomanyargs': [],
  '01-unknowncmd': [],
  '02-auth-garbage': [],
  '02-auth-noarg': [],
  '02-auth-unknown': [],
  '02-deauth-unknown': [],
  '02-empty-clients': [],
  '02-empty-json': [],
  '02-empty-json-unknownmac': [],
  '02-empty-status': [],
  '03-auth-MAC-upper': [known(1, 2)],
  '03-pre-clients': [known(1, 2)],
  '03-pre-deauth': [known(1, 2)],
  '03-pre-json-MAC-upper': [known(1, 2)],
  '03-pre-json-all': [known(1, 2)],
  '03-pre-json-ip': [known(1, 2)],
  '03-pre-json-mac': [known(1, 2)],
  '03-pre-json-token': [known(1, 2)],
  '03-pre-status': [known(1, 2)],
  '04-auth': [known(1, 2)],
  '04-auth-again': open,
  '04-clients': used,
  '04-json-after-10MB-up': used,
  '04-json-after-50MB-down': [...open, moved(1, 50_108, 69)],
  '04-json-after-auth': open,
  '04-json-all': used,
  '04-status': used,
  '05-auth-after-deauth-nohit': shut,
  '05-auth-by-token': shut,
  '05-deauth': used,
  '05-deauth-again': shut,
  '05-deauth-by-ip': reopened,
  '05-json-after-deauth': shut,
  '05-json-after-reauth': reopened,
  '06-json-portal-auth-later': [...reopened, splash, later(2)],
  '06-json-portal-auth-same-second': [...reopened, splash],
  '07-auth-c3-trusted': third,
  '07-auth-c3-untrusted': [...third, asked(`untrust ${mac(3)}`)],
  '07-json-all-trusted': trusted,
  '07-json-c3-trusted': third,
  '07-json-c3-trusted-after-hit': [...third, known(3)],
  '07-json-c3-untrusted': [...third, known(3), asked(`untrust ${mac(3)}`)],
  '07-json-trusted-unseen': trusted,
  '07-trust': [],
  '07-trust-again': trusted,
  '07-trust-unseen-c3': [joined(3)],
  '07-untrust': trusted,
  '07-untrust-again': [],
  '07-untrust-c3': third,
  '08-auth-blocked': [asked(`block ${mac(4)}`), known(4)],
  '08-block': [],
  '08-json-blocked': [asked(`block ${mac(4)}`), known(4)],
  '08-unblock': [asked(`block ${mac(4)}`)],
  '10-s-option': [...reopened, splash, later(12)],
  '10-status-final': [...reopened, splash, later(12), asked(`deauth ${mac(1)}`, `auth ${mac(1)}`)],
  // A state file came after 5.0.2: its clients keep everything, and what moves counts anew.
  '11-json-after-restart-statefile': [
    at(1, ip(1)),
    asked(`auth ${mac(1)}`),
    moved(1, 20_093, 18),
    restartedWithStateFile,
    moved(1, 20_093, 18),
  ],
  '12-maxclients-auth-4th': [known(1, 2, 3), known(4)],
  '12-maxclients-json-4th': [known(1, 2, 3), known(4)],
  '13-ipchange-auth-mac': changed,
  '13-ipchange-auth-newip': changed,
  '13-ipchange-deauth-mac': both,
  '13-ipchange-deauth-mac-again': [...both, asked(`deauth ${mac(1)}`)],
  '13-ipchange-deauth-newip': both,
  '13-ipchange-json-all': changed,
  '13-ipchange-json-mac': changed,
  '13-ipchange-json-mac-2': both,
  '13-ipchange-json-mac-before-hit': [...moving, gone(1), joined(1)],
  '13-ipchange-json-newip': both,
  '19-auth-while-firewall-chain-missing': [known(1), lying],
}

/** Recorded answers the mock does not give, and why. */
export const nodogsplashLeftOut: Record<string, string> = {
  '15-wedged-auth': 'no answer at all, ended by timeout(1) with 124',
  '15-wedged-json': 'no answer at all, ended by timeout(1) with 124',
}
