// The cases that every broker has to pass, on Aedes.
import { aedes } from '../support/brokers/brokers.ts'
import { casesOn } from './cases.ts'

casesOn(aedes)
