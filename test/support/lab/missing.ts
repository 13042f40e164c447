// The programs and rights that this machine lacks for a lab with a real portal, in one line that says what to do about it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const packages: Record<string, readonly string[]> = {
  opennds: ['opennds', 'ndsctl'],
  iproute2: ['ip', 'tc'],
  iptables: ['iptables'],
  nftables: ['nft'],
  conntrack: ['conntrack'],
  curl: ['curl'],
  mosquitto: ['mosquitto'],
}

/** Why there can be no lab here; `undefined` when there can. */
export function whyNoLab(): string | undefined {
  const lacking = Object.keys(packages).filter((name) => !packages[name]?.every(isInstalled))
  if (lacking.length > 0) return `not installed: apt-get install --no-install-recommends ${lacking.join(' ')}`
  if (process.getuid?.() !== 0) return 'not root: network namespaces are made by root alone'
  // A container's root may lack the right.
  if (spawnSync('unshare', ['--net', 'true']).status !== 0)
    return 'no network namespaces here: a container needs --privileged'
  return undefined
}

/** The same for tests, which may be skipped on a laptop and never in CI. */
export function whyNoTests(): string | undefined {
  const why = whyNoLab()
  if (why && process.env.CI) throw new Error(why)
  return why
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => isExecutable(join(folder, program)))
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
