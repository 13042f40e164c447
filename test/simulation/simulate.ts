// Plays one script with the production agent, and watches every promise while it does.
import { assemble } from './assembly.ts'
import { lifeAfterDamage } from './damaged.ts'
import { unsettled } from './final-check.ts'
import type { Script, Settings } from './script.ts'
import { createVirtualTime } from './virtual-time.ts'

export interface Played {
  /** The first promise that was broken, and when. */
  violation?: string
  milliseconds: number
  events: number
  purchases: number
}

type World = ReturnType<typeof assemble>

/** `isTolerated`: broken promises that do not end it. */
export async function simulate(script: Script, isTolerated = (_what: string) => false): Promise<Played> {
  const time = createVirtualTime()
  let violation: string | undefined
  const violate = (what: string) => {
    if (isTolerated(what)) return
    violation ??= `at ${time.now} ms: ${what}`
  }
  const isOver = () => violation !== undefined
  const world = assemble(script, time, violate)
  world.router.start()
  goOnForEver(world, script.settings)
  try {
    await playAll(world, isOver)
    const [left] = await untilNothingIsLeft(world, isOver)
    if (left !== undefined) violate(left)
    if (!isOver() && script.settings.isDamagedAtTheEnd) {
      world.damageBegins()
      const [wrong] = await lifeAfterDamage(world)
      if (wrong !== undefined) violate(wrong)
    }
  } catch (err) {
    violate(`the simulation broke: ${err instanceof Error ? err.stack : err}`)
  }
  const { outcomes, texts } = world.ledger
  const played = { milliseconds: time.now, events: texts.length, purchases: outcomes.size }
  return violation === undefined ? played : { violation, ...played }
}

/** Gates are watched and portal pages are browsed, whatever else is played. */
function goOnForEver({ time, watch, site, isTroubled }: World, settings: Settings): void {
  const tick = () => {
    if (isTroubled()) watch.disturb()
    else watch.check()
    time.after(settings.nearMilliseconds, tick)
  }
  const browse = () => {
    site.browse()
    time.after(settings.lookMilliseconds * 1.3, browse)
  }
  tick()
  browse()
}

async function playAll({ time, script, stage }: World, isOver: () => boolean): Promise<void> {
  for (const action of script.actions) {
    await time.runUntil(action.at, isOver)
    if (isOver()) break
    stage.play(action)
  }
  await time.runUntil(script.milliseconds, isOver)
  if (!isOver()) stage.mendAll()
}

/** Waits until everything is as it must be, or ought to be by now; returns all that is not. */
async function untilNothingIsLeft(world: World, isOver: () => boolean): Promise<string[]> {
  const { time, site, script } = world
  const { lookMilliseconds, usageMilliseconds } = script.settings
  // Booting takes up to a minute, coming back from a stop half of one, reconnecting 15 s; then everything has two looks.
  const latest = time.now + 105_000 + 3 * lookMilliseconds + usageMilliseconds
  let left: string[]
  do {
    await time.runUntil(time.now + lookMilliseconds, isOver)
    site.touch()
    left = unsettled(world)
  } while (left.length > 0 && time.now < latest && !isOver())
  return left
}
