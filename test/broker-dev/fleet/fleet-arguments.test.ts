// Proves the fleet's arguments and their defaults.
import { describe, expect, it, test } from 'vitest'
import { parseFleetArguments } from '../../../broker-dev/fleet/fleet-arguments.ts'

describe('the arguments of the fleet', () => {
  it('have defaults', () => {
    expect(parseFleetArguments([])).toEqual({
      options: {
        ...{ routers: 3, devices: 5, flavour: 'mixed', json: false, speed: 1, seed: 1 },
        ...{ external: false, realistic: false, secure: false },
      },
    })
  })

  it('are all understood', () => {
    const line =
      '--json --routers 10 --devices 0 --flavour opennds --speed 2.5 --seed 9 --for 20 --port 2883 --state /s'
    expect(parseFleetArguments(line.split(' '))).toEqual({
      options: {
        ...{
          json: true,
          routers: 10,
          devices: 0,
          flavour: 'opennds',
          speed: 2.5,
          seed: 9,
          for: 20,
          port: 2883,
          state: '/s',
        },
        external: false,
        realistic: false,
        secure: false,
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
