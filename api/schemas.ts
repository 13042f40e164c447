// A JSON Schema (2020-12) for each topic, complete in itself.
import * as z from 'zod'
import { messages, named } from './named.ts'

const titles: Record<keyof typeof messages, string> = {
  purchase: 'A purchase, on <prefix>/<router>/purchase',
  usage: 'An event or a usage report, on <prefix>/<router>/usage',
  status: 'The state of a router, on <prefix>/<router>/status',
  command: 'A command, on <prefix>/<router>/command, or a question, on <prefix>/<router>/query',
  reply: 'A reply or a replayed event, on <prefix>/<router>/reply and below it',
}

export function schemas(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(messages).map(([name, schema]) => {
      // As it may be written: unknown fields are ignored, so they are not forbidden.
      const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', metadata: named })
      return [name, { $schema, title: titles[name as keyof typeof messages], ...rest }]
    }),
  )
}
