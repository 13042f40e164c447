// A process that starts the program it is given as an agent, with its log in the file it is given, and lives until it is killed.
import { createAgentProcess } from '../../../broker-dev/router/agent-process.ts'

const [program = '', logFile = ''] = process.argv.slice(2)
await createAgentProcess({ program, env: {}, logFile }).open()
setInterval(() => {}, 1000)
