import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { policyFiles as filesToDeploy } from "../../deploy/policy-files.ts"
import { policyFiles } from "./fleet/policy.ts"
import { compareStarts, type Start } from "./start/pairs.ts"
import { atMost } from "./target.ts"

// A policy of 10,000 supernodes at cold start: processor time from the start of the process until the alarm
// function ends, with the YAML and with the packaged policy. The event has an unknown shape, so that nothing
// else runs. Target: 1 s with the packaged policy.

const SUPERNODES = 10_000
const ROUNDS = 3
const PACKAGED = "packaged policy"
const FUNCTION = pathToFileURL(fileURLToPath(new URL("../../dist/alarm/index.mjs", import.meta.url))).href
const EVENT = `import(${JSON.stringify(FUNCTION)}).then(({ handler }) => handler({ no: "shape" },
  { awsRequestId: "bench", functionName: "bench", getRemainingTimeInMillis: () => 180_000 })).catch((error) => {
    if (error.name !== "SignalError") throw error
  })`

const folder = mkdtempSync(join(tmpdir(), "bench-policy-"))

const starts = [await write("YAML", false), await write(PACKAGED, true)]
for (const { name, cpuMs } of compareStarts(process.execPath, starts, ROUNDS))
  console.log(
    `${SUPERNODES} supernodes from the ${name}: ${Math.round(cpuMs)} ms of CPU${name === PACKAGED ? ` (${atMost(cpuMs, 1000)})` : ""}`,
  )
rmSync(folder, { recursive: true })

async function write(name: string, isPackaged: boolean): Promise<Start> {
  const own = mkdtempSync(join(folder, "policy-"))
  for (const [file, text] of policyFiles({ supernodes: SUPERNODES, fleetActions: null }))
    writeFileSync(join(own, file), text)
  const path = join(own, "policy.yaml")
  if (isPackaged) {
    const { packaged } = await filesToDeploy(path)
    writeFileSync(join(own, packaged.name), packaged.text)
  }
  const env = {
    SUPERNODE_POLICY: path,
    SUPERNODE_LEDGER: "memory:",
    SUPERNODE_LOG_LEVEL: "ERROR",
    HUAWEICLOUD_SDK_AK: "ak",
    HUAWEICLOUD_SDK_SK: "sk",
  }
  return { name, argv: ["-e", EVENT], env }
}
