// Loaded before an agent in a process of its own: lets its disk and its wall clock be out of order, as the parent process says.
import files from 'node:fs/promises'
import { filesOf, type MachineState, soundMachine } from './machine.ts'

const machine = { ...soundMachine }
const { open, statfs } = filesOf(machine, { ...files } as unknown as Parameters<typeof filesOf>[1])
Object.assign(files, { open: (path: string, flags: 'a' | 'w' | 'r') => open(path, flags), statfs })
const now = Date.now
Date.now = () => now() + machine.wallAhead

process.on('message', (state: MachineState) => Object.assign(machine, state))
// An agent does not live for its parent's words.
process.channel?.unref()
