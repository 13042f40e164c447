import { mosquitto } from './brokers.ts'
import { casesOn } from './cases.ts'

casesOn(mosquitto)
