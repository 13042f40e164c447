// Stories written by hand, played by the whole agent in virtual time.
import { describe, it } from 'vitest'
import { customerStories } from './customer-stories.ts'
import { keepsEveryPromise } from './promises.ts'
import { stories } from './scenarios.ts'

describe('a router', () => {
  it.each([...stories, ...customerStories])('$it', ({ script }) => keepsEveryPromise(script))
})
