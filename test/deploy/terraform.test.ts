import { execFile, spawnSync } from "node:child_process"
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { KIT } from "./huawei-kit.ts"
import { type RunningProvider, startProvider } from "./provider.ts"

// Runs Terraform itself over the kit, with the provider's published schemas. It applies nothing, and nothing
// leaves this machine.

const hasTerraform = spawnSync("terraform", ["version"]).status === 0
const isFull = process.env["INSTALLS_FULL"] !== undefined
if (isFull && !hasTerraform) console.warn("SKIPPED: no terraform is installed")

interface Ended {
  code: number
  says: string
}

const RDS = {
  ledger: "rds",
  ledger_url: "",
  network: "create",
  availability_zones: ["cn-southwest-2a", "cn-southwest-2b"],
  database_password: "at-least-twelve-1",
  ledger_ca_file: "rds-ca.pem",
}
const GEMINIDB = {
  ...RDS,
  ledger: "geminidb",
  geminidb_flavor: "geminidb.dynamodb.large.4",
  ledger_ca_file: "",
}
const LIVE = { mode: "live", scale_up_actions: ["modelarts:devserver:scaleUp"] }

describe.runIf(isFull && hasTerraform)("Terraform", () => {
  let folder: string
  let provider: RunningProvider

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "terraform-"))
    await cp(KIT, folder, { recursive: true })
    await cp(join(KIT, "terraform.tfvars.example"), join(folder, "terraform.tfvars"))
    await writeFile(join(folder, "functiongraph.zip"), "a zip")
    provider = await startProvider()
  })
  afterAll(async () => {
    await provider.close()
    await rm(folder, { recursive: true })
  })

  /** Runs Terraform without network: it can reach no registry and no cloud. */
  function terraform(argv: string[], cwd = folder): Promise<Ended> {
    const nowhere = "http://127.0.0.1:9"
    const env = {
      PATH: process.env["PATH"],
      HOME: folder,
      TF_REATTACH_PROVIDERS: provider.reattach,
      CHECKPOINT_DISABLE: "1",
      HTTPS_PROXY: nowhere,
      HTTP_PROXY: nowhere,
    }
    return new Promise((resolve) => {
      execFile("terraform", argv, { cwd, env }, (error, out, err) =>
        resolve({
          code: error ? Number(error.code) : 0,
          says: `${out}${err}`.replaceAll(/\s*\n[│\s]*/g, " "),
        }),
      )
    })
  }

  const plan = async (name: string, own: object): Promise<Ended> => {
    const file = join(folder, `${name.replaceAll(/\W+/g, "-")}.tfvars.json`)
    await writeFile(file, JSON.stringify({ zip: join(folder, "functiongraph.zip"), ...own }))
    return terraform(["plan", "-no-color", "-input=false", "-lock=false", `-var-file=${file}`])
  }

  it("Terraform finds deploy/huawei well formatted", async () => {
    expect(await terraform(["fmt", "-check", "-recursive", KIT])).toEqual({
      code: 0,
      says: expect.anything(),
    })
  })

  it("Terraform finds deploy/huawei's types, references and functions valid", async () => {
    const { code, says } = await terraform(["validate", "-no-color"])
    expect(says).toContain("Success! The configuration is valid")
    expect(code).toBe(0)
  })

  it("the check by Terraform finds a deliberately wrong type and a deliberately wrong reference", async () => {
    const broken = await mkdtemp(join(tmpdir(), "terraform-"))
    await cp(folder, broken, { recursive: true })
    const signals = await readFile(join(broken, "signals.tf"), "utf8")
    const spoilt = signals
      .replace("suppress_duration   = 300", 'suppress_duration   = "often"')
      .replace("alarms.topic_urn })", "alarms.urn })")
    await writeFile(join(broken, "signals.tf"), spoilt)
    const { says } = await terraform(["validate", "-no-color"], broken)
    expect(says).toMatch(/a number is required/)
    expect(says).toMatch(/no argument, nested block, or exported attribute named "urn"/)
    await rm(broken, { recursive: true })
  })

  it.each([
    ["the example as it is", {}, /Plan: 2\d to add, 0 to change, 0 to destroy/],
    ["two shards", { shards: 2 }, /function_trigger\.tick\[1\] will be created.* shard = "2\/2"/],
    [
      "an alarm for fewer ticks than shards",
      { shards: 7 },
      /missing-tick".*comparison_operator += "<".*metric_name += "count".*value += 7 /,
    ],
    ["RDS for PostgreSQL in a network of its own", RDS, /ha_replication_mode += "sync"/],
    ["GeminiDB", GEMINIDB, /huaweicloud_geminidb_instance\.ledger\[0\]/],
    ["live mode with the right to scale up", { ...RDS, ...LIVE }, /modelarts:devserver:scaleUp/],
    [
      "an existing ledger in AWS DynamoDB",
      { ...LIVE, ledger_url: "dynamodb://ledger?region=eu-central-1" },
      /dynamodb:\/\/ledger/,
    ],
  ])("Terraform plans %s", async (name, own, says) => {
    const ended = await plan(name, own)
    expect(ended.says).toMatch(says)
    expect(ended.code).toBe(0)
  })

  it.each([
    [
      "live mode without the right to scale up",
      { ...RDS, mode: "live" },
      "mode = live needs scale_up_actions",
    ],
    ["live mode with a ledger in memory", LIVE, "mode = live refuses memory:"],
    [
      "a database together with a ledger in memory",
      { ...RDS, ledger_url: "memory:" },
      "would take the place",
    ],
    ["an existing ledger without its URL", { ledger_url: "" }, "ledger = existing needs ledger_url"],
    ["RDS in one zone", { ...RDS, availability_zones: ["cn-southwest-2a"] }, "two availability_zones"],
    ["RDS outside a network", { ...RDS, network: "none" }, "ledger = rds needs network = create or existing"],
    ["GeminiDB without a flavor", { ...GEMINIDB, geminidb_flavor: "" }, "geminidb_flavor"],
    ["an existing network without its ids", { network: "existing" }, "needs vpc_id and subnet_id"],
    ["no operator", { operators: {} }, "operators has at least one subscription"],
    [
      "certificates outside the zip",
      { ledger_ca_file: "/etc/ca.pem" },
      "ledger_ca_file is a file at the top",
    ],
    [
      "settings that are too long",
      { settings: { SUPERNODE_SMN_TOPICS: "x".repeat(5_000) } },
      "4096 characters",
    ],
    ["an unknown mode", { mode: "lively" }, "mode"],
    ["no shard", { shards: 0 }, "shards is a whole number from 1 to 20"],
    ["too many shards", { shards: 100 }, "shards is a whole number from 1 to 20"],
    ["half a shard", { shards: 1.5 }, "shards is a whole number from 1 to 20"],
    ["a name that is too long", { name: "a".repeat(41) }, "name starts with a letter and has at most 40"],
    ["a name with other letters", { name: "Überwacher" }, "name starts with a letter and has at most 40"],
  ])("Terraform refuses %s with a message", async (name, own, says) => {
    const ended = await plan(name, own)
    expect(ended.says).toContain(says)
    expect(ended.code).toBe(1)
  })
})
