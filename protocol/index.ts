// The wire contract of tollgate-fleet, for the agent, payment backends and monitors alike.
export * from './command.ts'
export * from './events.ts'
export * from './purchase.ts'
export * from './session.ts'
export * from './status.ts'
export * from './topics.ts'
export * from './values.ts'
export * from './words.ts'
