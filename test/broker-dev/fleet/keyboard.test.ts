// Proves what the keys of the terminal do.
import { describe, expect, it, test } from 'vitest'
import { emptyFaultLog } from '../../../broker-dev/faults/fault-log.ts'
import { faults, type InjectAnswer } from '../../../broker-dev/faults/faults.ts'
import { createKeyboard, keysIn } from '../../../broker-dev/fleet/keyboard.ts'
import { RouterId } from '../../../protocol/index.ts'

const routerIds = ['r1', 'r2', 'r3'].map((id) => RouterId.parse(id))

function aKeyboard(answer: () => InjectAnswer = () => ({ outcome: 'healed', did: '' })) {
  const injected: string[] = []
  let quits = 0
  const keyboard = createKeyboard(() => quits++)
  const injector = {
    inject: async (id: string, routerId: string) => {
      injected.push(`${id} ${routerId}`)
      return answer()
    },
    ...{ healAll: async () => {}, log: () => emptyFaultLog, sawEvent: () => {}, sawStatus: () => {} },
  }
  return { keyboard, injected, open: () => keyboard.opened({ routerIds, faults: injector }), quits: () => quits }
}

describe('a key', () => {
  it('is one of its own for each fault', () => {
    expect(new Set([...faults.map(({ key }) => key), '?', 'q']).size).toBe(faults.length + 2)
  })

  test.each(faults)('$key: $name', async ({ key, id }) => {
    const { keyboard, injected, open } = aKeyboard()
    await keyboard.press(key)
    expect(injected).toEqual([])
    open()
    await keyboard.press(key)
    expect(injected).toEqual([`${id} r1`])
  })

  it('chooses the router, round and round', async () => {
    const { keyboard, injected, open } = aKeyboard()
    open()
    for (const key of ['\x1b[C', 'k', '\x1bOB', 'k', '\x1b[C', 'k', '\x1b[D', 'k']) await keyboard.press(key)
    expect(injected).toEqual(['r2', 'r3', 'r1', 'r3'].map((id) => `kill-agent ${id}`))
  })

  it('says why nothing can be done, until the next key', async () => {
    const why = 'nobody is online at r1'
    const { keyboard, open } = aKeyboard(() => ({ outcome: 'impossible', code: 'nobody-online', why }))
    open()
    await keyboard.press('l')
    expect(keyboard.picture().note).toBe(why)
    await keyboard.press('x')
    expect(keyboard.picture().note).toBeUndefined()
  })

  it('says what went wrong', async () => {
    const { keyboard, open } = aKeyboard(() => {
      throw new Error('no such process')
    })
    open()
    await keyboard.press('k')
    expect(keyboard.picture().note).toBe('kill-agent: no such process')
  })

  it('explains the keys and goes back', async () => {
    const { keyboard, open } = aKeyboard()
    open()
    await keyboard.press('?')
    expect(keyboard.picture().isHelp).toBe(true)
    await keyboard.press('?')
    expect(keyboard.picture().isHelp).toBe(false)
  })

  test.each(['q', '\x03'])('%j ends it, also before the fleet is there', async (key) => {
    const { keyboard, quits } = aKeyboard()
    await keyboard.press(key)
    expect(quits()).toBe(1)
  })

  it('is found in what a terminal sends', () => {
    expect(keysIn('kq')).toEqual(['k', 'q'])
    expect(keysIn('\x1b[A')).toEqual(['\x1b[A'])
  })
})
