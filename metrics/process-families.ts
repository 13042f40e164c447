// The metrics of a program itself: what it takes of the machine.
import type { Family } from './exposition.ts'

export function processFamilies(): Family[] {
  const { user, system } = process.cpuUsage()
  return [
    {
      name: 'tollgate_process_resident_memory_bytes',
      type: 'gauge',
      help: 'Memory of the program that answers.',
      samples: [{ labels: '', value: process.memoryUsage.rss() }],
    },
    {
      name: 'tollgate_process_cpu_seconds',
      type: 'counter',
      help: 'User and system time of the program that answers.',
      samples: [{ labels: '', value: (user + system) / 1e6 }],
    },
  ]
}
