// The router without its portal: a bridge for the devices, a link upstream, address translation between them.
import { addNamespace, gateway, ip, run, upstream } from './namespaces.ts'

export const routerAddress = '192.168.66.1'
export const upstreamAddress = '10.99.0.1'
export const lanInterface = 'br-lan'
export const wanInterface = 'wan0'
/** How long a packet waits at most in the queue of the link upstream. */
export const linkLatencyMilliseconds = 50
const upstreamInterface = 'up0'

// The radio has no device behind it: the bridge is up only with a port that is, and openNDS starts on no other.
export async function buildNetwork(): Promise<void> {
  await addNamespace(gateway)
  await addNamespace(upstream)
  await ip(
    gateway,
    `link add ${wanInterface} type veth peer name ${upstreamInterface} netns ${upstream}
     address add 10.99.0.2/24 dev ${wanInterface}
     link set ${wanInterface} up
     link add ${lanInterface} address 02:66:ff:00:00:01 type bridge
     address add ${routerAddress}/24 dev ${lanInterface}
     link set ${lanInterface} up
     link add radio0 type veth peer name air0
     link set radio0 master ${lanInterface} up
     link set air0 up`,
  )
  await ip(upstream, `address add ${upstreamAddress}/24 dev ${upstreamInterface}\nlink set ${upstreamInterface} up`)
  await ip(gateway, `route add default via ${upstreamAddress}`)
  await run(gateway, ['sysctl', '--quiet', '--write', 'net.ipv4.ip_forward=1'])
  await run(gateway, ['iptables', '-t', 'nat', '-A', 'POSTROUTING', '-o', wanInterface, '-j', 'MASQUERADE'])
}

/** How fast the link upstream is, towards the devices. */
export async function setLinkRate(megabits: number): Promise<void> {
  const shape = ['tbf', 'rate', `${megabits}mbit`, 'burst', '64kb', 'latency', `${linkLatencyMilliseconds}ms`]
  await run(upstream, ['tc', 'qdisc', 'replace', 'dev', upstreamInterface, 'root', ...shape])
}

/** Whether the link upstream joins segments of a stream into packets of up to 64 KB, as network cards do. */
export async function setJoining(isOn: boolean): Promise<void> {
  const most = isOn ? 'gso_max_size 65536 gso_max_segs 65535' : 'gso_max_size 1514 gso_max_segs 1'
  await ip(upstream, `link set ${upstreamInterface} ${most}`)
  await ip(gateway, `link set ${wanInterface} ${most}`)
}

/** Takes the table of whatever agent was here before away: it bears another name, and would be left alone. */
export async function removeGuardTable(): Promise<void> {
  await run(gateway, ['nft', '-f', '-'], 'add table inet tollgate\ndelete table inet tollgate')
}
