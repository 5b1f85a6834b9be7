import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "@photostructure/sqlite"
import { onTestFinished } from "vitest"
import type { CliIo } from "../../functions/cli/io.ts"
import { type AuditedLedger, openLedger } from "../../lib/ledger/open.ts"
import { type Sandbox, type SandboxOptions, startSandbox } from "../../lib/sandbox/sandbox.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { clockAt } from "../world/clock.ts"
import { type Ran, ranCli } from "../world/command-line.ts"
import { settingsOfCloud, settingsOfFolder } from "../world/settings.ts"

export { bytes, type Ran } from "../world/command-line.ts"

// Runs the command line against the real sandbox and a real SQLite file. Only the clock is fake; it moves
// only by `advance`.

/** Within 15 minutes after the alarms in test/events. */
export const START = Date.parse("2024-01-12T16:52:00Z")
export const ID = "b4beacb6-4380-448c-a218-daa82cf03f5d"
export const STREAM = `supernode:${ID}`
export const MINUTE = 60_000

export const POLICY = `version: 1
supernodes:
  - name: train-a
    region: cn-southwest-2
    project_id: 0123456789abcdef0123456789abcdef
    id: ${ID}
    alarms: [ { cloud-eye: al1704475580412b2a4lnr3W } ]
    rules:
      - name: npu-busy
        metric: { cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m } }
        above: 85
        points: 3 of 5
    ladder:
      - { flavor: kat3ne-8.48xlarge.8.800t.matrix, servers: 1, price: { amount: 60000, currency: CNY, per: month } }
      - { flavor: kat3ne-16-400t.96xlarge.8.matrix, servers: 2, price: { amount: 120000, currency: CNY, per: month } }
      - { flavor: kat3ne-32-800t.192xlarge.8.matrix, servers: 4, price: { amount: 240000, currency: CNY, per: month } }
    order: { image_id: f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81, key_pair_name: KeyPair-42c4, userdata: "echo secret-words" }
    limits: { actions: 2 per 24h, servers: 48, budget: { amount: 500000, currency: CNY, per: 30d } }
`

/** The same policy with a second supernode, which the sandbox does not know. */
export const TWO_SUPERNODES = `${POLICY}${POLICY.slice(POLICY.indexOf("  - name"))
  .replace("train-a", "train-b")
  .replace(ID, "c5cfbdc7-5491-459d-b329-eb493df14a6e")}`

export interface CliFixture {
  dir: string
  ledgerPath: string
  env: Record<string, string | undefined>
  /** Advances the clock that command line and sandbox share. */
  advance(ms: number): void
  run(...argv: string[]): Promise<Ran>
  runWith(io: Partial<CliIo>, ...argv: string[]): Promise<Ran>
  /** Writes a file into the folder and returns its path. */
  file(name: string, content: string | object): string
  /** Corrupts the newest entry of a supernode's chain, bypassing the ledger. */
  spoil(supernodeId: string): void
  /** Removes the entries after `lastSeq`, as if the process had crashed at that point. */
  cutChain(stream: string, lastSeq: number): void
  /** Opens the ledger on disk. */
  ledger<T>(look: (ledger: AuditedLedger) => Promise<T>): Promise<T>
}

/** A folder with a policy and with settings for a ledger in it. There is no cloud. */
export function cliFixture(policy: string = POLICY, own: { withoutLedger?: true } = {}): CliFixture {
  const dir = mkdtempSync(join(tmpdir(), "cli-"))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const ledgerPath = join(dir, "ledger.db")
  const file = (name: string, content: string | object): string => {
    const path = join(dir, name)
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content))
    return path
  }
  file("policy.yaml", policy)
  const env = settingsOfFolder(dir)
  let now = START
  // Starts before the first command, so that a test can set up a command line in one line.
  const ready = own.withoutLedger ? Promise.resolve() : makeLedger(env.SUPERNODE_LEDGER, START)
  ready.catch(() => undefined)
  const made: CliFixture = {
    dir,
    ledgerPath,
    env,
    file,
    advance: (ms) => {
      now += ms
    },
    run: (...argv) => made.runWith({}, ...argv),
    runWith: async (io, ...argv) => {
      await ready
      return ranCli({ env: made.env, clock: clockAt(() => now), ...io }, argv)
    },
    spoil: (id) => spoil(ledgerPath, `supernode:${id}`),
    cutChain: (stream, lastSeq) => cutChain(ledgerPath, stream, lastSeq),
    async ledger(look) {
      await ready
      const ledger = await openLedger(env.SUPERNODE_LEDGER)
      try {
        return await look(ledger)
      } finally {
        await ledger.close()
      }
    },
  }
  return made
}

export interface CloudFixture extends CliFixture {
  sandbox: Sandbox
}

/** The same with a sandbox in which train-a has two busy servers, in live mode. */
export async function cloudFixture(
  options: SandboxOptions = {},
  policy?: string,
  life: { withoutLedger?: true } = {},
): Promise<CloudFixture> {
  const own = cliFixture(policy, life)
  let passed = 0
  const sandbox = await startSandbox({ now: () => START + passed, provisioningMs: 5 * MINUTE, ...options })
  onTestFinished(() => sandbox.close())
  sandbox.setLoad(95)
  Object.assign(own.env, settingsOfCloud(sandbox.url))
  const { advance: advanceDesk } = own
  const advance = (ms: number): void => {
    passed += ms
    advanceDesk(ms)
  }
  return Object.assign(own, { sandbox, advance })
}

function spoil(file: string, stream: string): void {
  const database = new DatabaseSync(file)
  database.exec("DROP TRIGGER entries_never_change")
  const newest = "seq = (SELECT max(seq) FROM entries WHERE stream = ?1)"
  database
    .prepare(`UPDATE entries SET entry = replace(entry, '"v":2', '"v":2 ') WHERE stream = ?1 AND ${newest}`)
    .run(stream)
  database.close()
}

function cutChain(file: string, stream: string, lastSeq: number): void {
  const database = new DatabaseSync(file)
  database.exec("DROP TRIGGER IF EXISTS entries_are_kept")
  database.prepare("DELETE FROM entries WHERE stream = ? AND seq > ?").run(stream, lastSeq)
  database.close()
}
