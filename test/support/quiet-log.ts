// A log that says nothing, for parts whose log lines are not the subject.
import type { Log } from '../../agent/log.ts'

export const quietLog = { info() {}, warn() {}, error() {}, debug() {} } as unknown as Log
