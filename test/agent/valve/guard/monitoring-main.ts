// Watches the kernel by `nft monitor` and does nothing else, until it is killed. Its argument: the program that stands for nft.
import { monitorNft } from '../../../../agent/valve/guard/monitor.ts'
import { quietLog } from '../../../support/quiet-log.ts'

monitorNft(process.argv[2] ?? '', { cut() {}, damaged() {} }, quietLog)
setInterval(() => {}, 60_000)
