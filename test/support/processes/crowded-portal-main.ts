// A daemon among other callers, as a process of its own: nodogsplash with its real latencies and its wedge at the socket
// CROWD_SOCKET, and CROWD_CALLERS who ask it for `json` again and again, each as soon as it has its answer,
// waiting in connect() where the queue is full, as `ndsctl` does.
import { connect } from 'node:net'
import { waitingDoorOf } from '../../../broker-dev/portal/door.ts'
import { servePortal } from '../../../broker-dev/portal/socket.ts'
import { createPortal } from '../../../broker-dev/portal/world.ts'

const { CROWD_SOCKET = '', CROWD_CALLERS = '0' } = process.env

const portal = createPortal({ flavour: 'nodogsplash', now: Date.now, random: Math.random })
portal.faults.realistic = true
portal.faults.wedges = true
await servePortal(portal, CROWD_SOCKET)
for (let caller = 0; caller < Number(CROWD_CALLERS); caller++) askForEver()
process.stdout.write('ready\n')
// It ends with whoever started it, however that one ended.
process.stdin.on('end', () => process.exit()).resume()

function askForEver(): void {
  const connection = connect(waitingDoorOf(CROWD_SOCKET), () => connection.write('json\r\n\r\n')).resume()
  connection.on('error', () => {}).on('close', askForEver)
}
