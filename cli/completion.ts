// Completion scripts for bash, zsh and fish, made from the commands as they are.
import type { Command } from 'commander'

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

export function completionOf(program: Command, shell: Shell): string {
  const name = program.name()
  const shared = flagsOf(program)
  const commands = program.commands.map((command) => ({
    name: command.name(),
    summary: command.summary() || command.description(),
    flags: [...flagsOf(command), ...shared],
  }))
  if (shell === 'fish') {
    const lines = commands.flatMap(({ name: sub, summary, flags }) => [
      `complete -c ${name} -n __fish_use_subcommand -a ${sub} -d '${summary.replaceAll("'", '')}'`,
      ...flags.map((flag) => `complete -c ${name} -n '__fish_seen_subcommand_from ${sub}' -l ${flag.slice(2)}`),
    ])
    return `complete -c ${name} -f\n${lines.join('\n')}\n`
  }
  const cases = commands.map(({ name: sub, flags }) => `    ${sub}) words='${flags.join(' ')}' ;;`)
  const names = commands.map((command) => command.name).join(' ')
  const script = `_tollgate_fleet() {
  local words='${names} ${shared.join(' ')}' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
${cases.join('\n')}
    esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _tollgate_fleet ${name}
`
  return shell === 'zsh' ? `autoload -U +X bashcompinit && bashcompinit\n${script}` : script
}

function flagsOf(command: Command): string[] {
  return command.options.flatMap(({ long, hidden }) => (long && !hidden ? [long] : []))
}
