// The same as overshoot.ts through a real openNDS and a real firewall, in network namespaces.
import { spawnSync } from 'node:child_process'
import type { Figure } from './figure.ts'

export const realOvershoot: Figure = {
  name: 'real-overshoot',
  about: 'bytes beyond the allotment through a real openNDS',
  missing() {
    if (process.getuid?.() !== 0) return 'needs root, for network namespaces'
    if (spawnSync('opennds', ['-v']).error) return 'needs openNDS: apt-get install opennds iproute2 iptables nftables'
    return 'is not part of this build'
  },
  measure: async () => [],
}
