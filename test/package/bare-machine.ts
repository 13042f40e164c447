// A bare Debian with the package at hand and a mock of openNDS to meet; its owner goes by the pages, and we look at what comes of it.
import { copyFileSync, writeFileSync } from 'node:fs'
import { servePortal } from '../../broker-dev/portal/socket.ts'
import { createPortal } from '../../broker-dev/portal/world.ts'
import { openDebian } from '../support/debian/debian-root.ts'
import { commandsIn } from '../support/debian/pages.ts'
import { asVersion, shippedPackage, shippedVersion } from '../support/debian/shipped-package.ts'
import { until } from '../support/until.ts'

export const next = `${shippedVersion}+next`

export type BareMachine = Awaited<ReturnType<typeof openBareMachine>>

export async function openBareMachine() {
  const portal = createPortal({ flavour: 'opennds', now: Date.now, random: Math.random })
  const calls: string[] = []
  const debian = await openDebian()
  const { sh, outside } = debian
  copyFileSync(shippedPackage(), outside(`/root/tollgate-fleet_${shippedVersion}_amd64.deb`))
  asVersion(next, outside('/root'))
  copyFileSync('test/support/debian/as-unit', outside('/usr/local/lib/as-unit'))
  // Where dpkg finds it too, whose PATH has nothing of /usr/local.
  copyFileSync('test/support/debian/systemctl', outside('/usr/bin/systemctl'))
  // The portal's daemon answers from out here; its ndsctl stands before the real one.
  copyFileSync('dist/ndsctl.js', outside('/usr/local/lib/ndsctl.mjs'))
  const ndsctl = 'MOCK_NDSCTL_FLAVOUR=opennds exec /usr/lib/tollgate-fleet/node /usr/local/lib/ndsctl.mjs "$@"'
  writeFileSync(outside('/usr/local/bin/ndsctl'), `#!/bin/sh\n${ndsctl}\n`, { mode: 0o755 })
  const serve = (line: string) => {
    calls.push(line)
    return portal.serve(line)
  }
  const served = await servePortal(Object.create(portal, { serve: { value: serve } }), outside('/tmp/ndsctl.sock'))
  await sh('echo 127.0.0.1 broker.example >> /etc/hosts')

  /** Runs commands in the one shell of a person who begins in /root. */
  const perform = (...commands: readonly string[]) => sh(['cd /root', ...commands].join('\n'))
  /** The seller's program. */
  const till = (command: string) =>
    sh(`cd /etc/mosquitto/tollgate/till
      export TOLLGATE_URL=mqtts://broker.example:8885 TOLLGATE_USERNAME=till TOLLGATE_PASSWORD_FILE=password TOLLGATE_CA=ca.crt
      ${command}`)
  /** The router as it tells of itself, once it is on line. */
  async function online() {
    const router = async () => JSON.parse(await till('tollgate-fleet --json ls 2>/dev/null || true'))[0]
    let found: Awaited<ReturnType<typeof router>>
    await until(async () => {
      found = await router()
      return found?.state === 'online'
    }, 30_000)
    return found.status
  }
  const agent = () => sh('grep -ls [a]gent.js /proc/[0-9]*/cmdline | cut -d/ -f3 || true')

  return {
    portal,
    /** The lines that the portal's daemon was sent. */
    calls,
    sh,
    perform,
    /** Does all that a page says below a heading. */
    follow: (page: string, heading: string) => perform(...commandsIn(page, heading)),
    till,
    online,
    /** The process id of the agent, nothing where none runs. */
    agent,
    version: () => sh('dpkg-query --show tollgate-fleet | cut -f2'),
    /** The router and a device's session, as they are told of. */
    async tells(mac: string) {
      const { epoch, conservation } = await online()
      const { data: session } = JSON.parse(await till(`tollgate-fleet --json session r1 ${mac}`))
      return { agent: await agent(), epoch, conservation: conservation.bytes, session }
    },
    /** Every event of the router's present journal, as it gives them again. */
    async events(): Promise<{ epoch: string; seq: number; type: string; purchaseId?: string }[]> {
      const lines = await till('tollgate-fleet --json replay r1')
      return lines.split('\n').map((line) => JSON.parse(line))
    },
    logs: () => sh('tail -n 40 /run/systemctl.log /var/log/*.unit.log /var/log/mosquitto/mosquitto.log || true'),
    async close() {
      await served.close()
      await debian.close()
    },
  }
}
