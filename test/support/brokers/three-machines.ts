// Three machines for a cluster's nodes that stand on this one: a network namespace each, at one bridge, so that one of them can be cut off
// from the others while its clients still reach it.
import { spawnSync } from 'node:child_process'
import type { Machines } from './nats.ts'

export interface ThreeMachines extends Machines {
  /** Nothing passes any more between that machine and the two others. */
  cutOff(machine: number): void
  heal(machine: number): void
  close(): void
}

const all = [1, 2, 3]
let opened = 0

/** Why there can be none here; undefined when there can. */
export function whyNoMachines(): string | undefined {
  const lacking = ['ip', 'nft'].filter((program) => spawnSync(program, ['-V']).error)
  if (lacking.length > 0) return `${lacking.join(' and ')} not installed: apt-get install iproute2 nftables`
  if (spawnSync('unshare', ['--net', 'true']).status !== 0) return 'machines of their own need root: ip netns add'
  return undefined
}

export function openMachines(): ThreeMachines {
  // An interface's name has 15 characters at most.
  const name = `tm${process.pid % 100_000}${String.fromCharCode(97 + (opened++ % 26))}`
  // Of the addresses for measurements between networks, which are on no network of anybody's.
  const network = `198.18.${process.pid % 250}`
  const addresses = all.map((machine) => `${network}.${machine}`)
  const inside = (index: number) => ['ip', 'netns', 'exec', `${name}${index + 1}`]
  // The bridge has a namespace of its own: the rules of this machine's firewall, Docker's for one, would drop what passes a bridge here.
  const lan = `${name}0`
  const ip = (namespace: string, lines: string) => run(['ip', '-netns', namespace, '-batch', '-'], lines)
  for (const namespace of [lan, ...all.map((machine) => `${name}${machine}`)]) run(['ip', 'netns', 'add', namespace])
  ip(lan, 'link add lan0 type bridge\nlink set lan0 up')
  for (const machine of all) {
    ip(`${name}${machine}`, `link add lan0 type veth peer name m${machine} netns ${lan}`)
    ip(`${name}${machine}`, `link set lo up\naddress add ${network}.${machine}/24 dev lan0\nlink set lan0 up`)
    ip(lan, `link set m${machine} master lan0 up`)
  }
  const here = `link add ${name} type veth peer name host netns ${lan}\naddress add ${network}.254/24 dev ${name}`
  run(['ip', '-batch', '-'], `${here}\nlink set ${name} up`)
  ip(lan, 'link set host master lan0 up')

  function rules(index: number, lines: string): void {
    run([...inside(index), 'nft', '-f', '-'], lines)
  }

  return {
    addresses,
    within: inside,
    cutOff(index) {
      const others = addresses.filter((_, other) => other !== index).join(', ')
      const chain = (hook: string, side: string) =>
        `chain ${hook} { type filter hook ${hook} priority 0; ip ${side} { ${others} } drop; }`
      rules(index, `table ip cut { ${chain('input', 'saddr')}; ${chain('output', 'daddr')}; }`)
    },
    heal: (index) => rules(index, 'delete table ip cut'),
    close() {
      for (const machine of [0, ...all]) run(['ip', 'netns', 'delete', `${name}${machine}`])
    },
  }
}

function run([program = '', ...args]: readonly string[], input = ''): void {
  const { status, stderr } = spawnSync(program, args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
}
