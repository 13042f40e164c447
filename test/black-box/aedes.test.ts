// The cases that every broker has to pass, on Aedes.
import { aedes } from './brokers.ts'
import { casesOn } from './cases.ts'

casesOn(aedes)
