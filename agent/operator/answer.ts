// Answers to a command: data for the reply, or a foreseeable no with its code.
import type { CommandError, CommandErrorCode } from '../../protocol/index.ts'

export type Answer<T = unknown> = { data: T } | CommandError

export const refusal = (code: CommandErrorCode, message: string): CommandError => ({ code, message })
