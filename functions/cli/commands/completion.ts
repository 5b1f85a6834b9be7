import { Argument, type Command } from "commander"
import { completionScript, SHELLS, type Shell } from "../completion/shells.ts"
import { commandWords } from "../completion/words.ts"
import { type Cli, type CommonOptions, taskOf } from "../context.ts"

export function registerCompletion(program: Command, cli: Cli): void {
  program
    .command("completion")
    .summary("a script that completes commands and options in your shell")
    .description(
      "Prints a completion script. bash: source <(supernode-autoscaler completion bash). zsh, after compinit: source <(supernode-autoscaler completion zsh). fish: supernode-autoscaler completion fish | source.",
    )
    .addArgument(new Argument("<SHELL>", "the shell").choices(SHELLS))
    .option("--json", "print the script as JSON")
    .action((shell: Shell, _options: unknown, command: Command) => {
      const { screen, options } = taskOf(cli, command.optsWithGlobals<CommonOptions>())
      const script = completionScript(shell, commandWords(program))
      if (options.json) screen.json({ shell, script })
      else screen.say(...script.trimEnd().split("\n"))
    })
}
