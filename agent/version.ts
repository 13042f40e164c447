// The version of this program, and when it was made.
import packageJson from '../package.json' with { type: 'json' }

declare const BUILD_TIME: string | undefined

export const agentVersion: string = packageJson.version
/** Epoch milliseconds of the build; run from source there is none, and every clock is believed. */
export const builtAt = typeof BUILD_TIME === 'string' ? Date.parse(BUILD_TIME) : 0
