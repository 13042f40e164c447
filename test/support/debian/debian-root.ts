// A bare Debian in a folder, with a network of its own and without systemd: what is done in it is gone with it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { execa } from 'execa'
import { ended } from '../ended.ts'
import { until } from '../until.ts'

// All that docs/install.md installs, so that no test needs a registry for it; each run starts from the same files.
const packages = ['conntrack', 'iproute2', 'mosquitto', 'nftables', 'opennds', 'openssl']
const bare = resolve('node_modules/.cache', `debian-with-${packages.join('+')}`)

export async function openDebian() {
  makeBareDebian()
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-debian-'))
  const root = join(folder, 'root')
  for (const name of ['root', 'upper', 'work']) mkdirSync(join(folder, name))
  const keeper = await keepMachine(folder, root)
  const inside = ['nsenter', `--target=${keeper.pid}`, '--mount', '--net', '--pid', 'chroot', root]

  /** Runs a shell script to its end; throws with all it printed when a line of it fails. */
  async function sh(script: string): Promise<string> {
    const [program = '', ...args] = [...inside, 'sh', '-ec', script]
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
      DEBIAN_FRONTEND: 'noninteractive',
    }
    const { exitCode, all } = await execa(program, args, {
      all: true,
      reject: false,
      stdin: 'ignore',
      env,
      extendEnv: false,
    })
    if (exitCode !== 0) throw new Error(`${script}\nended with ${exitCode}: ${all}`)
    return all
  }

  return {
    sh,
    /** A path of its own as it is seen from outside. */
    outside: (path: string): string => join(`/proc/${keeper.pid}/root`, root, path),
    async close() {
      await ended(keeper.process, 'SIGKILL')
      await until(() => !existsSync(`/proc/${keeper.pid}`))
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The suite and the mirror that this machine has its own packages from. */
function makeBareDebian(): void {
  if (existsSync(bare)) return
  const suite = /^VERSION_CODENAME=(.*)$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? ''
  const targets = execFileSync('apt-get', [
    'indextargets',
    '--format',
    '$(CODENAME) $(SITE)',
    'Created-By: Packages',
  ]).toString()
  const mirror =
    targets
      .split('\n')
      .find((line) => line.startsWith(`${suite} `))
      ?.split(' ')[1] ?? ''
  const unfinished = `${bare}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  execFileSync('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, unfinished, mirror], {
    stdio: 'ignore',
  })
  renameSync(unfinished, bare)
}

/** Holds namespaces open for as long as this process lives: with it go the mounts, the network and every process in them. */
async function keepMachine(folder: string, root: string): Promise<{ process: ChildProcess; pid: number }> {
  const script = `
    mount -t overlay overlay -o lowerdir=${bare},upperdir=${folder}/upper,workdir=${folder}/work ${root}
    mount -t proc proc ${root}/proc
    mount -t sysfs sysfs ${root}/sys
    mount --rbind /dev ${root}/dev
    mount -t tmpfs tmpfs ${root}/run
    mkdir -p ${root}/run/systemd/system ${root}/run/lock
    ip link set lo up
    echo ready
    exec cat`
  const unshared = spawn('unshare', ['--mount', '--net', '--pid', '--fork', '--kill-child', 'sh', '-ec', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await new Promise((settle, fail) => {
    unshared.stdout?.once('data', settle)
    unshared.once('exit', () => fail(new Error('no namespaces for a Debian')))
  })
  const pid = Number(readFileSync(`/proc/${unshared.pid}/task/${unshared.pid}/children`, 'utf8').trim())
  return { process: unshared, pid }
}
