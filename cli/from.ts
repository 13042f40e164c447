// The option `--from`: where the events begin that are counted or shown.
import { Option } from 'commander'

export function from(usual: 'now' | 'beginning', counts: string): Option {
  const about = `${counts} from the beginning of the journals, or from now on`
  return new Option('--from <where>', about).choices(['beginning', 'now']).default(usual)
}
