// The cases that every broker has to pass, on Aedes.
import { aedes, mosquitto } from '../support/brokers/brokers.ts'
import { casesOn } from './broker.cases.ts'

// Where there is no Mosquitto, here are the cases with a process for every call.
casesOn(aedes, mosquitto.missing ? 'exec' : 'socket')
