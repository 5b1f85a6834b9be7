import { writeFile } from "node:fs/promises"
import { processIo } from "../process-io.ts"
import { programOf } from "../run-cli.ts"
import { cliPage } from "./cli-page.ts"

// Run by `npm run schema` after a change of a command. A test fails if the committed file is outdated.
const program = await programOf({ io: processIo(), fail: () => {} })
await writeFile(new URL("../../../docs/cli.md", import.meta.url), cliPage(program))
