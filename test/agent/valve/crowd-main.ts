// How long the socket transport waits among others, as a program: node dist/crowd.js [--callers 40] [--seconds 30].
import { parseArgs } from 'node:util'
import { askAmongOthers } from './crowd.ts'

const text = { type: 'string' } as const
const { values } = parseArgs({ options: { callers: { ...text, default: '40' }, seconds: { ...text, default: '30' } } })
const gaps = await askAmongOthers({ callers: Number(values.callers), seconds: Number(values.seconds) })
const [median = 0, longest = 0] = [gaps[gaps.length >> 1], gaps.at(-1)]

console.log(`${gaps.length} answers, median ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms`)
process.exitCode = longest <= 1000 ? 0 : 1
