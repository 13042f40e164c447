// The real cases over the daemon's socket.

import { onARealPortal } from './lab-stage.ts'
import { sales } from './sales.ts'
import { strangers } from './strangers.ts'
import { upheavals } from './upheavals.ts'

onARealPortal('socket', (stage) => {
  sales(stage)
  upheavals(stage)
  strangers(stage)
})
