import { sales } from './sales.ts'
import { onARealPortal } from './stage.ts'
import { upheavals } from './upheavals.ts'

onARealPortal('exec', (stage) => {
  sales(stage)
  upheavals(stage)
})
