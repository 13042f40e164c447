// One question to a portal's socket, as cheaply as Node can ask it: what anything better is measured against.
import { connect } from 'node:net'

export function ask(socketFile: string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(socketFile, () => socket.write(`${command}\r\n\r\n`)).setEncoding('utf8')
    socket.on('data', (piece) => {
      answer += piece
    })
    socket.on('error', reject)
    socket.on('end', () => {
      socket.end()
      resolve(answer)
    })
  })
}
