// The cases that every broker has to pass, on Aedes.
import { aedes } from '../support/brokers/brokers.ts'
import { casesOn } from './broker.cases.ts'

casesOn(aedes)
