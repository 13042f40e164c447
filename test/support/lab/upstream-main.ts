// The internet as the lab's devices see it. HTTP: GET /N answers N bytes, PUT says how many came. UDP: whoever sends a
// rate in bytes a second gets that much for a while, and is asked for nothing more.
import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const [address = '127.0.0.1', ...ports] = process.argv.slice(2)
const chunk = Buffer.alloc(64 * 1024)
const datagram = Buffer.alloc(1000)
const streamMilliseconds = 30_000

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'PUT') return void response.end(`${await sizeOf(request)}`)
  const wanted = Number(request.url?.slice(1) || 2)
  response.setHeader('Content-Length', wanted)
  await pipeline(Readable.from(zeros(wanted)), response)
}

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= chunk.length) yield chunk.subarray(0, left)
}

async function sizeOf(request: IncomingMessage): Promise<number> {
  let size = 0
  for await (const piece of request) size += Buffer.from(piece).length
  return size
}

for (const port of ports) {
  // A device that goes away in mid-transfer is no fault of the server's.
  createServer((request, response) => answer(request, response).catch(() => response.destroy())).listen(
    Number(port),
    address,
  )
}

const udp = createSocket('udp4', (message, { address: device, port }) => {
  const interval = (datagram.length / Number(message.toString())) * 1000
  const sending = setInterval(() => udp.send(datagram, port, device, () => {}), interval)
  setTimeout(() => clearInterval(sending), streamMilliseconds)
})
udp.bind(Number(ports[0]), address)
