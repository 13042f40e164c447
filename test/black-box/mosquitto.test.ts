// The cases that every broker has to pass, on Mosquitto.
import { mosquitto } from '../support/brokers/brokers.ts'
import { casesOn } from './cases.ts'

casesOn(mosquitto)
