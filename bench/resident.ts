// The memory of a process, as the kernel tells it.
import { readFileSync } from 'node:fs'

/** In bytes, now. */
export const residentBytes = (pid: number): number => bytesOf(pid, 'VmRSS')

/** In bytes, at its highest until now. */
export const highestBytes = (pid: number): number => bytesOf(pid, 'VmHWM')

function bytesOf(pid: number, what: 'VmRSS' | 'VmHWM'): number {
  const kibibytes = new RegExp(`^${what}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kibibytes) * 1024
}
