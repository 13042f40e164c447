// Proves that the kernel's table tells who is on the LAN, and nobody who is only being looked for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ofDevices } from '../../../agent/portal/neighbour.ts'
import { kernelNeighbours, parseNeighbours } from '../../../agent/valve/neighbours.ts'
import { aMac, anIp } from '../../support/builders.ts'

const heading = 'IP address       HW type     Flags       HW address            Mask     Device'
const row = (device: number, flags = '0x2', mac: string = aMac(device)) =>
  `${anIp(device)}   0x1         ${flags}         ${mac}     *        br-lan`

describe('the table', () => {
  it('tells the IP and the MAC of everybody who answers', () => {
    expect(parseNeighbours([heading, row(1), row(2, '0x6'), ''].join('\n'))).toEqual([
      { ip: anIp(1), mac: aMac(1) },
      { ip: anIp(2), mac: aMac(2) },
    ])
  })

  it.each([
    { who: 'is only being looked for', line: row(1, '0x0', '00:00:00:00:00:00') },
    { who: 'did not answer any more', line: row(1, '0x0') },
    { who: 'has no MAC', line: row(1, '0x2', '*') },
    { who: 'is half a line', line: anIp(1) },
  ])('does not tell of one that $who', ({ line }) => {
    expect(parseNeighbours([heading, line].join('\n'))).toEqual([])
  })

  it('is told by device', () => {
    const table = parseNeighbours([row(1), row(2), row(3, '0x2', aMac(1))].join('\n'))

    expect(ofDevices(table).get(aMac(1))).toEqual([
      { ip: anIp(1), mac: aMac(1) },
      { ip: anIp(3), mac: aMac(1) },
    ])
  })
})

describe('the kernel', () => {
  it('is read anew each time', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tollgate-neighbours-'))
    const file = join(folder, 'arp')
    const neighbours = kernelNeighbours(file)
    const before = await neighbours()
    writeFileSync(file, `${heading}\n${row(1)}\n`)

    expect([before, await neighbours()]).toEqual([undefined, [{ ip: anIp(1), mac: aMac(1) }]])
    rmSync(folder, { recursive: true })
  })
})
