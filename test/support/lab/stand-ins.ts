// Stand-ins for the host's files and programs that openNDS meets: it would edit the first and restart the second.
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { labFolder } from './folder.ts'

/** Stands before PATH. */
export const standInPrograms = join(labFolder, 'bin')
/** The DHCP server's leases: openNDS serves an address only when it is leased. */
export const leasesFolder = join(labFolder, 'leases')

const leasesPlace = '/var/lib/misc'
const editedFiles = ['/etc/hosts', '/etc/dnsmasq.conf'].filter((file) => existsSync(file))
const copyOf = (file: string) => join(labFolder, basename(file))

// It moves filter INPUT and FORWARD to another priority, after which Debian's iptables refuses to add a rule to them.
// They stay as iptables makes them; everything else is asked of the real program.
const nft = `#!/bin/sh
for chain in INPUT FORWARD; do
  case "$*" in
    "rename chain ip filter $chain "*|"add chain ip filter $chain "*) exit ;;
  esac
done
exec /usr/sbin/nft "$@"
`
const systemctl = '#!/bin/sh\nexit 0\n'

export async function prepareStandIns(): Promise<void> {
  await mkdir(standInPrograms, { recursive: true })
  for (const [name, script] of Object.entries({ nft, systemctl })) {
    await writeFile(join(standInPrograms, name), script)
    await chmod(join(standInPrograms, name), 0o755)
  }
  for (const file of editedFiles) await copyFile(file, copyOf(file))
}

/** The command, run where the stand-ins lie over the host's files; needs a mount namespace of its own, as `ip netns` makes. */
export function underStandIns(command: readonly string[]): string[] {
  const covers = [...editedFiles.map((file) => [copyOf(file), file]), [leasesFolder, leasesPlace]]
  const script = ['set -e', ...covers.map((pair) => `mount --bind ${pair.join(' ')}`), 'exec "$@"'].join('\n')
  return ['sh', '-c', script, 'sh', ...command]
}
