// Dice: everything random in a simulation comes from here, and comes out the same for the same seed.
import { mulberry32 } from '../../broker-dev/random.ts'

export interface Dice {
  /** In [0, 1). */
  roll(): number
  /** A whole number from the least to the most. */
  between(least: number, most: number): number
  chance(probability: number): boolean
  pick<T>(from: readonly T[]): T
  shuffled<T>(from: readonly T[]): T[]
}

export function createDice(seed: number): Dice {
  const roll = mulberry32(seed)
  const between = (least: number, most: number) => least + Math.floor(roll() * (most - least + 1))

  function shuffled<T>(from: readonly T[]): T[] {
    return from
      .map((value) => ({ value, order: roll() }))
      .sort((a, b) => a.order - b.order)
      .map(({ value }) => value)
  }

  return {
    roll,
    between,
    chance: (probability) => roll() < probability,
    pick: (from) => from[between(0, from.length - 1)] as (typeof from)[number],
    shuffled,
  }
}
