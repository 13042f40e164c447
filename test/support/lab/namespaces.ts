// The lab's network namespaces: one for the gateway, one for what is upstream of it, one for every device.
import { execa } from 'execa'

export const gateway = 'tg-gw'
export const upstream = 'tg-up'
export const deviceNamespace = (number: number): string => `tg-d${number}`
const ours = /^tg-(?:gw|up|d\d+)$/

/** The words in front of a command that run it in a namespace, as the same process. */
export const inside = (namespace: string): string[] => ['ip', 'netns', 'exec', namespace]

/** Runs a command in a namespace to its end; throws with all it printed when it fails. */
export async function run(namespace: string, command: readonly string[], input = ''): Promise<string> {
  const [program = '', ...args] = [...inside(namespace), ...command]
  const { stdout } = await execa(program, args, { input })
  return stdout
}

/** `ip` in a namespace, several commands of it, one a line. */
export async function ip(namespace: string, commands: string): Promise<void> {
  await execa('ip', ['-netns', namespace, '-batch', '-'], { input: commands })
}

export async function addNamespace(namespace: string): Promise<void> {
  await execa('ip', ['netns', 'add', namespace])
  await ip(namespace, 'link set lo up')
}

/** With all that runs in it. */
export async function removeNamespace(namespace: string): Promise<void> {
  const { stdout } = await execa('ip', ['netns', 'pids', namespace])
  for (const pid of stdout.split('\n').filter(Boolean)) kill(Number(pid))
  await execa('ip', ['netns', 'delete', namespace])
}

/** All of this lab's, also those that an earlier run left behind. */
export async function removeAllNamespaces(): Promise<void> {
  const { stdout } = await execa('ip', ['netns', 'list'])
  const names = stdout.split('\n').flatMap((line) => line.split(' ')[0] ?? [])
  for (const name of names.filter((candidate) => ours.test(candidate))) await removeNamespace(name)
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself in the meantime.
  }
}
