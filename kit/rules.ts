// The rules of the contract for a payment backend, each tried on a router of its own.
import { readingRules } from './reading-rules.ts'
import { refundRules } from './refund-rules.ts'
import type { Rule } from './rule.ts'
import { sendingRules } from './sending-rules.ts'

export const rules: readonly Rule[] = [...sendingRules, ...refundRules, ...readingRules]
