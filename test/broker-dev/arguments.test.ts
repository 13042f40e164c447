import { describe, expect, it, test } from 'vitest'
import { parseBuyArguments } from '../../broker-dev/buy-arguments.ts'
import { parseFleetArguments } from '../../broker-dev/fleet-arguments.ts'

describe('the arguments of the fleet', () => {
  it('have defaults', () => {
    expect(parseFleetArguments([])).toEqual({
      options: { routers: 3, devices: 5, flavour: 'mixed', speed: 1, seed: 1, external: false, realistic: false },
    })
  })

  it('are all understood', () => {
    const line = '--routers 10 --devices 0 --flavour opennds --speed 2.5 --seed 9 --for 20 --port 2883 --state /s'
    expect(parseFleetArguments(line.split(' '))).toEqual({
      options: {
        ...{ routers: 10, devices: 0, flavour: 'opennds', speed: 2.5, seed: 9, for: 20, port: 2883, state: '/s' },
        external: false,
        realistic: false,
      },
    })
  })

  it('ask for help', () => {
    expect(parseFleetArguments(['--help'])).toEqual({ help: true })
  })

  test.each([
    ['--router 3', '--router'],
    ['--routers 0', '--routers'],
    ['--routers many', '--routers'],
    ['--flavour coova', '--flavour'],
    ['--speed -1', '--speed'],
    ['--speed 0', '--speed'],
    ['--for soon', '--for'],
    ['--port 99999', '--port'],
    ['--external --speed 10', '--speed'],
    ['r1', 'r1'],
  ])('name the flag that is wrong in %s', (line, flag) => {
    expect(parseFleetArguments(line.split(' '))).toMatchObject({ problem: expect.stringContaining(flag) })
  })
})

describe('the arguments of a purchase', () => {
  it('read what was paid, in sat unless said otherwise', () => {
    expect(parseBuyArguments('--router r1 --mac AC-E0-10-12-2D-75 --amount 31 --id p1'.split(' '))).toEqual({
      options: {
        ...{ url: 'mqtt://127.0.0.1:1883', routerId: 'r1', follow: false },
        purchase: { purchaseId: 'p1', mac: 'ac:e0:10:12:2d:75', amount: 31, unit: 'sat' },
      },
    })
  })

  it('read a direct grant, and give it an id', () => {
    const line = '--router r1 --mac ace010122d75 --metric milliseconds --allotment 60000 --reference x --follow'
    expect(parseBuyArguments(line.split(' '))).toMatchObject({
      options: {
        follow: true,
        purchase: { purchaseId: expect.any(String), metric: 'milliseconds', allotment: 60_000, reference: 'x' },
      },
    })
  })

  it('let a purchase through that only the router can refuse', () => {
    expect(parseBuyArguments('--router r1 --mac ace010122d75 --amount 0'.split(' '))).toHaveProperty('options')
  })

  test.each([
    ['--mac ace010122d75 --amount 1', '--router'],
    ['--router r1 --mac nobody --amount 1', '--mac'],
    ['--router r1 --mac ace010122d75', '--amount'],
    ['--router r1 --mac ace010122d75 --amount lots', '--amount'],
    ['--router r1 --mac ace010122d75 --allotment 5', '--metric'],
    ['--router r1 --mac ace010122d75 --amount 1 --allotment 5', '--allotment'],
    ['--router r1 --mac ace010122d75 --amount 1 --url nowhere', '--url'],
    ['--router r1 --mac ace010122d75 --amount 1 --fast', '--fast'],
  ])('name the flag that is wrong in %s', (line, flag) => {
    expect(parseBuyArguments(line.split(' '))).toMatchObject({ problem: expect.stringContaining(flag) })
  })
})
