import { spawnSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { policyFiles } from "../../deploy/policy-files.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { bundleScript } from "../processes/bundle.ts"
import { OwnProcess } from "../processes/process.ts"
import { FleetCloud } from "./fleet/cloud.ts"
import { alertmanagerBody, FleetPlace, WEBHOOK_TOKEN } from "./fleet/place.ts"
import { supernodeId } from "./fleet/policy.ts"
import { cachedAndNot } from "./start/cached.ts"
import { nodesHere } from "./start/pairs.ts"
import { atMost } from "./target.ts"

// Process start -> first POST: processor time of a process that loads the built alarm function and handles
// one alarm that buys, until it sends the order, as a ratio to a process that loads an empty handler. Beside
// it the ratio until the function has returned its result. The processes take turns. The cloud and the
// DynamoDB-protocol store are other processes. The policy is packaged, as a function's policy is. It has one
// supernode, which is another one for each process, so that each process buys once. The function has the code
// cache that packaging makes; the ratios without it are beside.
// `BENCH_NODE` is the path of a Node.js, `BENCH_DIST` another build, `BENCH_PROFILE` a folder for CPU
// profiles. Targets on Node.js 24, which is used if test/nodes has it: SQLite 3.5, DynamoDB 4.5.

const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 7)
const ALARM = "npu-busy"
const newest = nodesHere().at(-1)
const node = process.env["BENCH_NODE"] ?? newest?.path ?? process.execPath
const dist = process.env["BENCH_DIST"] ?? fileURLToPath(new URL("../../dist/", import.meta.url))
const profiles = process.env["BENCH_PROFILE"]

const cloud = await FleetCloud.start()
await cloud.set({ load: 97, hanging: null, delayMs: 0 })
const place = await FleetPlace.make(cloud, { supernodes: 1, fleetActions: null, alertname: ALARM })
const policy = String(place.settings["SUPERNODE_POLICY"])
const written = readFileSync(policy, "utf8")
const bundle = await bundleScript("test/ledger/dynamodb/server-process.ts")
const dynamo = new OwnProcess(bundle.file, [], {})
const dynamoUrl = (await dynamo.next()) as string
const keys = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
await makeLedger(dynamoUrl, Date.now(), {
  dynamodbCredentials: { accessKeyId: "test", secretAccessKey: "test" },
})

/** Processor time of one process, milliseconds. */
interface CpuMs {
  /** Until it sends the order; NaN if it sends none. */
  toPost: number
  toEnd: number
}

const { cached, plain, remove } = await cachedAndNot(dist, ["alarm"], node)
const sqlite = place.settings
const dynamodb = { ...sqlite, ...keys, SUPERNODE_LEDGER: dynamoUrl }
const times: Record<string, CpuMs[]> = {}
let nth = 0
for (let round = -1; round < ROUNDS; round++) {
  const took = {
    empty: cpuMs("export const handler = async () => ({})", {}),
    SQLite: cpuMs(await alarmOf(nth++, cached), sqlite),
    DynamoDB: cpuMs(await alarmOf(nth++, cached), dynamodb),
    "SQLite without": cpuMs(await alarmOf(nth++, plain), sqlite),
    "DynamoDB without": cpuMs(await alarmOf(nth++, plain), dynamodb),
  }
  if (round >= 0) for (const [name, ms] of Object.entries(took)) times[name] = [...(times[name] ?? []), ms]
}
const empty = (times["empty"] ?? []).map(({ toEnd }) => toEnd)
/** Median of the ratios of all rounds. A machine that slows down slows a whole round. */
const ratioOf = (name: string, until: keyof CpuMs) =>
  median((times[name] ?? []).map((ms, round) => ms[until] / (empty[round] ?? Number.NaN)))
const sayRatios = (name: string, target: number) =>
  `${name} ${ratioOf(name, "toPost").toFixed(2)} (${atMost(ratioOf(name, "toPost"), target)}; to its result ${ratioOf(name, "toEnd").toFixed(2)}; without its code cache ${ratioOf(`${name} without`, "toPost").toFixed(2)})`
console.log(
  `Node.js ${node === newest?.path ? newest.version : node}: from the start of a process to its first order, as a ratio to an empty handler (${median(empty).toFixed(0)} ms of CPU): ${sayRatios("SQLite", 3.5)}, ${sayRatios("DynamoDB", 4.5)}`,
)
dynamo.signal("SIGKILL")
await dynamo.ended
bundle.remove()
await cloud.close()
place.remove()
remove()

/**
 * A module that handles one supernode's alarm by the function built in `dist`, and throws unless the order is accepted.
 */
async function alarmOf(supernode: number, dist: string): Promise<string> {
  writeFileSync(policy, written.replaceAll(supernodeId(0), supernodeId(supernode)))
  const { packaged } = await policyFiles(policy)
  writeFileSync(join(dirname(policy), packaged.name), packaged.text)
  const event = {
    version: "2.0",
    rawPath: "/alertmanager",
    headers: { "content-type": "application/json", authorization: `Bearer ${WEBHOOK_TOKEN}` },
    requestContext: { http: { method: "POST", path: "/alertmanager" } },
    body: JSON.stringify(alertmanagerBody(ALARM, { from: 0, count: 1 })),
    isBase64Encoded: false,
  }
  const url = pathToFileURL(`${dist}/alarm/index.mjs`).href
  return `import { subscribe } from "node:diagnostics_channel"
import { handler } from ${JSON.stringify(url)}
subscribe("undici:client:sendHeaders", ({ request: { path } }) => {
  if (path.endsWith("/live-scale-up")) process.stderr.write("\\npost " + cpuMs() + "\\n")
})
const context = { awsRequestId: "bench", getRemainingTimeInMillis: () => 180000, functionName: "alarm" }
const answer = await handler(${JSON.stringify(event)}, context)
if (!answer.body.includes('"accepted"')) throw new Error(answer.body)`
}

function cpuMs(source: string, env: Record<string, string>): CpuMs {
  const metered = `const cpuMs = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000 }
${source}
process.stderr.write("\\ncpu " + cpuMs() + "\\n", () => process.exit())`
  const profile = profiles ? ["--cpu-prof", "--cpu-prof-interval=100", `--cpu-prof-dir=${profiles}`] : []
  const argv = ["--no-warnings", ...profile, "--input-type=module", "-e", metered]
  const { stderr, stdout, status } = spawnSync(node, argv, {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  })
  const [, ms] = /\ncpu ([\d.]+)\n$/.exec(stderr) ?? []
  if (status !== 0 || ms === undefined) throw new Error(`it ended with ${status}: ${stderr.slice(-800)}`)
  // The bench must measure neither a policy that was read from its YAML nor a code cache that was not used.
  if (/was read from its YAML|code cache/.test(stdout + stderr))
    throw new Error((stderr + stdout).slice(0, 1800))
  return { toPost: Number(/\npost ([\d.]+)\n/.exec(stderr)?.[1]), toEnd: Number(ms) }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
