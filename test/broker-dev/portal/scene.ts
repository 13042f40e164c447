// A mock portal, a clock the test moves, and the arrangements the tests are made of.
import { answerNdsctl } from '../../../broker-dev/portal/answer.ts'
import { type Ending, ndsctl } from '../../../broker-dev/portal/ndsctl.ts'
import { createPortal, type Flavour, type MockPortal, type PortalOptions } from '../../../broker-dev/portal/world.ts'

export interface Scene {
  portal: MockPortal
  /** Whether the daemon ever made its socket file. */
  socketFile: boolean
  pass(seconds: number): void
  run(...args: string[]): Promise<Ending>
}

export type Arrangement = (scene: Scene) => void

export function aScene(flavour: Flavour, ...arrangements: Arrangement[]): Scene {
  return aSceneWith({ flavour }, ...arrangements)
}

export function aSceneWith(options: Partial<PortalOptions> & { flavour: Flavour }, ...arrangements: Arrangement[]) {
  let now = 1_795_345_000_000
  const portal = createPortal({ now: () => now, random: seeded(7), ...options })
  const scene: Scene = {
    portal,
    socketFile: true,
    pass: (seconds) => {
      now += seconds * 1000
    },
    run: (...args) => ndsctl(args, { flavour: portal.flavour, send }),
  }
  async function send(request: string): Promise<string> {
    if (!scene.socketFile) throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
    return answerNdsctl(portal, request.replace('\r\n\r\n', ''))
  }
  for (const arrange of arrangements) arrange(scene)
  return scene
}

export const mac = (device: number) => `02:66:ca:fe:00:${String(device).padStart(2, '0')}`
export const ip = (device: number) => `192.168.66.${100 + device}`

/** The token of a device's first entry. */
export function tokenOf(scene: Scene, device: number): string {
  return /"token":"(\w+)"/.exec(scene.portal.request(`json ${mac(device)}`))?.[1] ?? 'none'
}

export const joined =
  (...devices: number[]): Arrangement =>
  ({ portal }) => {
    for (const device of devices) portal.arrive(mac(device), ip(device))
  }

export const known =
  (...devices: number[]): Arrangement =>
  (scene) => {
    joined(...devices)(scene)
    for (const device of devices) scene.portal.browse(mac(device))
  }

export const at =
  (device: number, address: string): Arrangement =>
  ({ portal }) => {
    portal.arrive(mac(device), address)
    portal.browse(mac(device))
  }

export const asked =
  (...lines: string[]): Arrangement =>
  ({ portal }) => {
    for (const line of lines) portal.request(line)
  }

/** Volumes are given in the unit the daemon shows them in. */
export const moved =
  (device: number, downloaded: number, uploaded: number): Arrangement =>
  ({ portal }) => {
    const unit = portal.flavour === 'nodogsplash' ? 1000 : 1024
    portal.transfer(mac(device), { downloaded: downloaded * unit, uploaded: uploaded * unit })
  }

export const gone =
  (...devices: number[]): Arrangement =>
  ({ portal }) => {
    for (const device of devices) portal.leave(mac(device))
  }

export const later =
  (seconds: number): Arrangement =>
  (scene) =>
    scene.pass(seconds)

function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
}
