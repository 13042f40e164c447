// Which of several consumers takes a router: a hash of its id that every language has (CRC-32), modulo their number.
import { crc32 } from 'node:zlib'
import { FleetError } from './errors.ts'

export interface Partition {
  index: number
  of: number
}

export function isInPartition(routerId: string, { index, of }: Partition): boolean {
  return crc32(routerId) % of === index
}

export function checkPartition({ index, of }: Partition): void {
  if (Number.isInteger(index) && Number.isInteger(of) && index >= 0 && index < of) return
  throw new FleetError('invalid-argument', `partition: ${index} of ${of} is none: give index 0 to of - 1`)
}
