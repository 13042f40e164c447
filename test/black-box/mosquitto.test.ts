// The cases that every broker has to pass, on Mosquitto.
import { mosquitto } from '../support/brokers/brokers.ts'
import { casesOn } from './broker.cases.ts'

casesOn(mosquitto)
