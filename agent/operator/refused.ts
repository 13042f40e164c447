// A command that cannot be done, with the code and the words the operator gets.
import type { CommandErrorCode } from '../../protocol/index.ts'

export class Refused extends Error {
  override name = 'Refused'
  readonly code: CommandErrorCode

  constructor(code: CommandErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
