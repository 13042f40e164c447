import { aedes } from './brokers.ts'
import { casesOn } from './cases.ts'

casesOn(aedes)
