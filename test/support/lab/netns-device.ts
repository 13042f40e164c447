// A customer's device: a namespace with one cable to the router's bridge, and curl.
import { createHash } from 'node:crypto'
import { appendFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleepFor } from 'node:timers/promises'
import { execa } from 'execa'
import { labFolder } from './folder.ts'
import { addNamespace, deviceNamespace, gateway, inside, ip } from './namespaces.ts'
import { lanInterface, linkLatencyMilliseconds, routerAddress, upstreamAddress } from './network.ts'
import { leasesFolder } from './stand-ins.ts'

export const httpPort = 8080
/** Where devices send what nobody answers. */
export const discardPort = 9

// openNDS's own, where the owner sets none.
const defaultFasKey = '1234567890'

/** A transfer under way; how far it is, the meter tells. */
export interface Transfer {
  /** Ends it from the device's side, and waits until nothing of it is on its way. */
  end(): Promise<void>
}

export type Device = Awaited<ReturnType<typeof plugIn>>

// All of three digits: openNDS 9.10 takes the rules of .100 to .109 away with those of .10.
const addressOf = (number: number) => `192.168.66.${100 + number}`
const spareAddressOf = (number: number) => `192.168.66.${175 + number}`

/** Device NUMBER, up to 74: MAC 02:66:ca:fe:00:NN, IP 192.168.66.(100 + NUMBER). */
export async function plugIn(number: number) {
  const namespace = deviceNamespace(number)
  const hex = number.toString(16).padStart(2, '0')
  const mac = `02:66:ca:fe:00:${hex}`
  const { curl, begin } = commandsIn(namespace)
  let address = addressOf(number)

  async function lease(): Promise<void> {
    const farAway = 4_000_000_000
    await appendFile(join(leasesFolder, 'dnsmasq.leases'), `${farAway} ${mac} ${address} device${number} *\n`)
    const route = `route replace default via ${routerAddress}`
    await ip(namespace, `address flush dev eth0\naddress add ${address}/24 dev eth0\n${route}`)
  }

  await plug(namespace, mac, `cable${number}`)
  await lease()

  return {
    mac,
    get address() {
      return address
    },
    /** Opens a page, and meets the portal's while its gate is shut: so the portal gets to know the device. */
    async browse(): Promise<void> {
      const toldCode = ['--output', '/dev/null', '--write-out', '%{http_code}']
      // openNDS answers 403 to a new device that it does not find among the leases (openNDS #557), and was seen to do so
      // where the lease was there: a person loads the page again.
      const again = ['--fail', '--retry', '3', '--retry-delay', '1', '--retry-all-errors']
      const { stdout } = await curl(10, ...toldCode, ...again, `http://${upstreamAddress}/`)
      if (!['200', '307'].includes(stdout)) throw new Error(`the portal answered ${mac} with ${stdout}`)
    },
    /** Whether its gate is really open: something small from upstream arrives. */
    async isOnline(): Promise<boolean> {
      const { stdout } = await curl(1, `http://${upstreamAddress}:${httpPort}/1`)
      return stdout.length === 1
    },
    /** Opens the page at which the portal lets a customer log out. */
    async logOut(): Promise<void> {
      await curl(5, '--output', '/dev/null', `http://${routerAddress}:2050/opennds_deny/`)
    },
    /** Presses the button of the portal's page, which needs no payment, with a text of the customer's own. */
    async logIn(custom: string): Promise<void> {
      const shown = await curl(
        5,
        '--output',
        '/dev/null',
        '--write-out',
        '%{redirect_url}',
        `http://${upstreamAddress}/`,
      )
      const tok = tokenIn(shown.stdout)
      const fields = ['--get', '--data-urlencode', `tok=${tok}`, '--data-urlencode', `custom=${custom}`]
      await curl(5, '--output', '/dev/null', ...fields, `http://${routerAddress}:2050/opennds_auth/`)
    },
    /** Downloads for so long, whatever comes of it. */
    async downloadFor(seconds: number): Promise<void> {
      await curl(seconds, '--output', '/dev/null', `http://${upstreamAddress}:${httpPort}/${Number.MAX_SAFE_INTEGER}`)
    },
    async download(bytes: number): Promise<void> {
      const url = `http://${upstreamAddress}:${httpPort}/${bytes}`
      const { stdout } = await curl(60, '--output', '/dev/null', '--write-out', '%{size_download}', url)
      if (stdout !== `${bytes}`) throw new Error(`${stdout} of ${bytes} bytes came`)
    },
    async upload(bytes: number): Promise<void> {
      const file = join(labFolder, `upload-of-${number}`)
      await writeFile(file, '')
      await truncate(file, bytes)
      const { stdout } = await curl(60, '--upload-file', file, `http://${upstreamAddress}:${httpPort}/`)
      if (stdout !== `${bytes}`) throw new Error(`${stdout} of ${bytes} bytes went`)
    },
    ...transfersBy(begin),
    /** Out of reach of the access point; the router forgets its address. */
    async leave(): Promise<void> {
      await ip(namespace, 'link set eth0 down')
      await ip(gateway, `neighbour flush to ${address}`)
    },
    async comeBack(): Promise<void> {
      await ip(namespace, `link set eth0 up\nroute replace default via ${routerAddress}`)
    },
    /** Another one that is its own to take. */
    spareAddress: spareAddressOf(number),
    async changeAddress(to: string): Promise<void> {
      await ip(gateway, `neighbour flush to ${address}\nneighbour flush to ${to}`)
      address = to
      await lease()
    },
  }
}

type Begin = (command: readonly string[]) => Transfer

function transfersBy(begin: Begin) {
  return {
    /** Downloads for as long as it is let, as fast as the link is. */
    startDownload(): Transfer {
      return begin(['curl', '--silent', `http://${upstreamAddress}:${httpPort}/${Number.MAX_SAFE_INTEGER}`])
    },
    /** Takes a stream that needs no answer from the device, by UDP. */
    startStream(bytesPerSecond: number): Transfer {
      const listen = `exec 3<>/dev/udp/${upstreamAddress}/80; printf ${bytesPerSecond} >&3; exec cat <&3`
      return begin(['bash', '-c', listen])
    },
    /** Sends something small every few milliseconds, whether or not it is let. */
    startSending(): Transfer {
      const send = `setInterval(() => socket.send('x', ${discardPort}, '${upstreamAddress}'), 5)`
      return begin([process.execPath, '-e', `const socket = require('node:dgram').createSocket('udp4'); ${send}`])
    },
  }
}

/** Runs programs on the device: curl to its end, or a transfer that goes on. */
function commandsIn(namespace: string) {
  function curl(seconds: number, ...args: string[]) {
    const [program = '', ...words] = inside(namespace)
    const options = ['--silent', '--show-error', '--max-time', `${seconds}`]
    return execa(program, [...words, 'curl', ...options, ...args], { reject: false })
  }

  function begin(command: readonly string[]): Transfer {
    const [program = '', ...args] = [...inside(namespace), ...command]
    const transfer = execa(program, args, { reject: false, stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
    return {
      async end() {
        transfer.kill('SIGKILL')
        await transfer
        // Packets in the link's queue still come.
        await sleepFor(2 * linkLatencyMilliseconds)
      },
    }
  }
  return { curl, begin }
}

/** The token that openNDS expects of its own page, from the address that it sends a browser to. */
function tokenIn(address: string): string {
  const [, encoded = ''] = /[?&]fas=([^&]*)/.exec(address) ?? []
  const [, hid = ''] = /hid=([0-9a-f]+)/.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  return createHash('sha256').update(`${hid}${defaultFasKey}`).digest('hex')
}

async function plug(namespace: string, mac: string, cable: string): Promise<void> {
  await addNamespace(namespace)
  await ip(gateway, `link add ${cable} type veth peer name eth0 address ${mac} netns ${namespace}`)
  await ip(gateway, `link set ${cable} master ${lanInterface} up`)
  await ip(namespace, 'link set eth0 up')
}
