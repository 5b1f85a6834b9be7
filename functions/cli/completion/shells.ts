import type { CommandWords, OptionWords } from "./words.ts"

// Completion scripts. Their words are names from the command definitions (letters, digits and hyphens), never
// foreign text. fish also shows the commands' descriptions, quoted.

export const SHELLS = ["bash", "zsh", "fish"] as const
export type Shell = (typeof SHELLS)[number]

const PROGRAM = "supernode-autoscaler"
const FUNCTION = "_supernode_autoscaler"

export function completionScript(shell: Shell, commands: readonly CommandWords[]): string {
  switch (shell) {
    case "bash":
      return bashScript(commands)
    case "zsh":
      return zshScript(commands)
    case "fish":
      return fishScript(commands)
    default:
      return shell satisfies never
  }
}

function bashScript(commands: readonly CommandWords[]): string {
  return `# Completion of ${PROGRAM} for bash. Made from its commands. To use it:
#   source <(${PROGRAM} completion bash)
${FUNCTION}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at="" i candidates="" files=""
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${at:+$at }\${COMP_WORDS[i]}" in
      ${pathsOf(commands)}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
${candidateLines(commands)}
  COMPREPLY=()
  if [[ -n $candidates ]]; then COMPREPLY=($(compgen -W "$candidates" -- "$cur")); fi
  if [[ -n $files ]]; then COMPREPLY+=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F ${FUNCTION} ${PROGRAM}
`
}

function zshScript(commands: readonly CommandWords[]): string {
  return `#compdef ${PROGRAM}
# Completion of ${PROGRAM} for zsh. Made from its commands. To use it, after compinit:
#   source <(${PROGRAM} completion zsh)
${FUNCTION}() {
  local at="" candidates="" files="" prev=\${words[CURRENT-1]}
  integer i
  for ((i = 2; i < CURRENT; i++)); do
    case "\${at:+$at }\${words[i]}" in
      ${pathsOf(commands)}) at="\${at:+$at }\${words[i]}" ;;
    esac
  done
${candidateLines(commands)}
  if [[ -n $candidates ]]; then compadd -- \${=candidates}; fi
  if [[ -n $files ]]; then _files; fi
}
compdef ${FUNCTION} ${PROGRAM}
`
}

/** Sets `candidates` or `files` from the command and the previous word. bash and zsh share these lines. */
function candidateLines(commands: readonly CommandWords[]): string {
  return `  case "$at:$prev" in
${valueCases(commands)}
  esac
  if [[ -z $candidates && -z $files ]]; then
    case "$at" in
${wordCases(commands)}
    esac
  fi`
}

/** Pattern of all commands: `"validate"|"ledger"|"ledger init"`. */
function pathsOf(commands: readonly CommandWords[]): string {
  return commands.flatMap(({ path }) => (path === "" ? [] : [`"${path}"`])).join("|")
}

/** Cases after an option that takes a value: complete its choices, complete a file, or complete nothing. */
function valueCases(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ path, options }) =>
    options.flatMap(({ flags, value }) => {
      const pattern = flags.map((flag) => `"${path}:${flag}"`).join("|")
      switch (value.kind) {
        case "none":
          return []
        case "choice":
          return [`    ${pattern}) candidates="${value.of.join(" ")}" ;;`]
        case "file":
          return [`    ${pattern}) files=1 ;;`]
        case "text":
          return [`    ${pattern}) return ;;`]
        default:
          return value satisfies never
      }
    }),
  )
  return lines.join("\n")
}

function wordCases(commands: readonly CommandWords[]): string {
  const lines = commands.map(({ path, subcommands, options, takesFile }) => {
    const words = [...subcommands, ...longFlags(options)].join(" ")
    return `      "${path}") candidates="${words}"${takesFile ? "; files=1" : ""} ;;`
  })
  return lines.join("\n")
}

function longFlags(options: readonly OptionWords[]): string[] {
  return options.flatMap(({ flags }) => flags.filter((flag) => flag.startsWith("--")))
}

function fishScript(commands: readonly CommandWords[]): string {
  const lines = commands.flatMap((command) => {
    const isHere = `-n '${conditionOf(command)}'`
    return [
      ...command.subcommands.map((name) => {
        const child = commands.find(({ path }) => path === `${command.path} ${name}`.trim())
        return `complete -c ${PROGRAM} ${isHere} -f -a ${name} -d ${fishText(child?.description ?? "")}`
      }),
      ...command.options.map((option) => `complete -c ${PROGRAM} ${isHere} ${fishOption(option)}`),
      ...(command.takesFile || command.path === "" ? [] : [`complete -c ${PROGRAM} ${isHere} -f`]),
    ]
  })
  return `# Completion of ${PROGRAM} for fish. Made from its commands. To use it:
#   ${PROGRAM} completion fish | source
${lines.join("\n")}
`
}

/** Condition that all words of the command were given, and none of its subcommands. */
function conditionOf({ path, subcommands }: CommandWords): string {
  const given = path === "" ? [] : path.split(" ").map((word) => `__fish_seen_subcommand_from ${word}`)
  const further = subcommands.length === 0 ? [] : [`not __fish_seen_subcommand_from ${subcommands.join(" ")}`]
  return [...given, ...further].join("; and ")
}

function fishOption({ flags, description, value }: OptionWords): string {
  const names = flags.map((flag) => (flag.startsWith("--") ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
  const takes = {
    none: "-f",
    text: "-x",
    file: "-r -F",
    choice: value.kind === "choice" ? `-x -a ${fishText(value.of.join(" "))}` : "",
  }[value.kind]
  return `${names.join(" ")} ${takes} -d ${fishText(description)}`
}

function fishText(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`
}
