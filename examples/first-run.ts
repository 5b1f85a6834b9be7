import { spawnSync } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { paintOf } from "../functions/cli/print/paint.ts"
import { resultLines } from "../functions/cli/print/result.ts"
import type { RunResult } from "../lib/run/result.ts"
import { type Sandbox, startSandbox } from "../lib/sandbox/sandbox.ts"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../lib/sandbox/world/defaults.ts"
import { cloudEyeAlarm } from "./cloud-eye-alarm.ts"

// `npm start`: the main job on this machine alone, with the built functions, a SQLite ledger, and the sandbox as the cloud.
// Only the load and the speed at which servers start are set here.

const PROVISIONING_MS = 3_000
const root = fileURLToPath(new URL("..", import.meta.url))
const folder = mkdtempSync(join(tmpdir(), "supernode-first-run-"))
const ledger = `sqlite:${join(folder, "ledger.db")}`
const paint = paintOf(process.stdout.isTTY && !process.env["NO_COLOR"])
const policy = join(root, "examples", "first-run.yaml")

const sandbox = await startSandbox({
  supernodes: [{ ...DEFAULT_SUPERNODE, load: { load: 97 } }],
  provisioningMs: PROVISIONING_MS,
})
Object.assign(process.env, {
  SUPERNODE_POLICY: policy,
  SUPERNODE_LEDGER: ledger,
  SUPERNODE_MODE: "live",
  SUPERNODE_MODELARTS_ENDPOINT: sandbox.url,
  SUPERNODE_CES_ENDPOINT: sandbox.url,
  SUPERNODE_LOG_LEVEL: "ERROR",
  POWERTOOLS_METRICS_DISABLED: "true",
  HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.ak,
  HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.sk,
})

let exitCode = 1
try {
  await firstRun()
  exitCode = 0
} finally {
  await sandbox.close()
}
// The functions keep their ledger open, as they do in a warm container.
process.exit(exitCode)

async function firstRun(): Promise<void> {
  step(`A sandbox cloud on ${sandbox.url}: supernode train-a, ${sayServers(sandbox)}, every server at 97 %`)

  step(
    "A new ledger. --nothing-in-flight states that no order is in flight; otherwise live runs wait 45 minutes",
  )
  cli("ledger", "init", "--by", "first-run", "--why", "npm start", "--nothing-in-flight")

  step("A Cloud Eye alarm goes through the built alarm function (dist/alarm/index.mjs)")
  const event = cloudEyeAlarm(Date.now())
  const bought = await invoke("alarm", event)
  expect(bought.outcome?.kind === "accepted", "the order should have been accepted")

  step("What arrived at the cloud: one signed live-scale-up")
  for (const { method, path, headers, body } of sandbox.scaleUps) {
    say(`${method} ${path}`)
    say(`authorization: ${String(headers.authorization).replace(/Signature=.*/, "Signature=… (verified)")}`)
    say(body)
  }
  expect(sandbox.scaleUps.length === 1, "exactly one order should have arrived")

  step("The same alarm is delivered again")
  const again = await invoke("alarm", event, { onlyReason: true })
  expect(
    again.decision.heldBy === "duplicate" && sandbox.scaleUps.length === 1,
    "nothing should have been bought again",
  )

  step(`The new servers start (${sayServers(sandbox)})`)
  await wait(PROVISIONING_MS + 200)
  say(sayServers(sandbox))

  step("A cron tick goes through the built schedule function: it sees the purchase complete")
  const tick = await invoke(
    "schedule",
    { kind: "tick", name: "sweep", time: new Date().toISOString() },
    { onlyReason: true },
  )
  expect(tick.decision.heldBy === "cooldown", "the new servers should start a cooldown")

  step("What the ledger recorded, and whether it is intact")
  cli("audit", "list")
  cli("audit", "verify")
  expect(sandbox.orders.length === 1, "exactly one order should have been placed")
  whatNext()
}

/** Passes one event through a built function, and prints the result as the command line does. */
async function invoke(
  door: "alarm" | "schedule",
  event: unknown,
  { onlyReason = false } = {},
): Promise<RunResult> {
  const { handler } = await import(new URL(`../dist/${door}/index.mjs`, import.meta.url).href)
  const context = { awsRequestId: "first-run", functionName: door, getRemainingTimeInMillis: () => 180_000 }
  const { results }: { results: RunResult[] } = await handler(event, context)
  const [result] = results
  if (!result) throw new Error(`the ${door} function gave no result`)
  const lines = resultLines(result, {
    paint,
    columns: process.stdout.columns ?? 100,
    zone: "UTC",
    isVerbose: true,
  })
  for (const line of onlyReason ? reasonOf(result) : lines) say(line)
  return result
}

function reasonOf({ decision, entry }: RunResult): string[] {
  const finding = decision.findings.find((candidate) => candidate.passed === false)
  return [
    `${decision.kind}: ${decision.heldBy}`,
    finding?.says ?? "",
    entry ? `entry ${entry.seq} of ${entry.stream}` : "nothing new to write",
  ]
}

function cli(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [join(root, "dist", "cli", "index.js"), ...args], {
    stdio: "inherit",
  })
  expect(status === 0, `supernode-autoscaler ${args.join(" ")} should have exited with 0`)
}

function sayServers({ state }: Sandbox): string {
  const servers = state().supernodes.flatMap((one) => one["servers"] as { status: string }[])
  const byStatus: Record<string, number> = {}
  for (const { status } of servers) byStatus[status] = (byStatus[status] ?? 0) + 1
  return Object.entries(byStatus)
    .map(([status, count]) => `${count} servers ${status}`)
    .join(", ")
}

function whatNext(): void {
  step("What next, with your own policy")
  say("1. Write it:           node dist/cli/index.js init")
  say("   examples/policy.yaml shows every key; docs/policy.schema.json lets your editor check it.")
  say("   docs/getting-started.md leads through all steps.")
  say("2. Check it:           node dist/cli/index.js validate policy.yaml")
  say(
    "3. See a decision:     node dist/cli/index.js dry-run train-a --policy policy.yaml   (needs HUAWEICLOUD_SDK_AK and _SK)",
  )
  say('4. Make its ledger, once: node dist/cli/index.js ledger init --by WHO --why "first ledger"')
  say("5. Deploy it: README.md, section Deploy. Until SUPERNODE_MODE=live is set it only observes.")
  say(`The ledger of this run is ${ledger}`)
}

function step(title: string): void {
  console.log(`\n${paint.bold(paint.cyan("▸"))} ${paint.bold(title)}`)
}

function say(line: string): void {
  console.log(`  ${line}`)
}

function expect(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise)
}
