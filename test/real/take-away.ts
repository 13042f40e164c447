// After the last test file, also after one whose process died: nothing of the lab stays on the machine.
import { freeAbandonedMachine } from '../support/lab/folder.ts'

export const teardown = freeAbandonedMachine
