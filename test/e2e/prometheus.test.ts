import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { openLedger } from "../../lib/ledger/open.ts"
import { DEFAULT_SUPERNODE } from "../../lib/sandbox/world/defaults.ts"
import { makeLedger } from "../ledger/initialised.ts"
import { SandboxApart } from "../sandbox/apart.ts"
import { buildCli, urlOf } from "../serve/built-cli.ts"
import { Program } from "../serve/program.ts"
import { entriesOf } from "../world/entries.ts"
import { freePort } from "../world/loopback.ts"
import { settingsOfCloud, settingsOfFolder } from "../world/settings.ts"
import { Exporter, findProgram, isReady, until } from "./servers.ts"

// A load in real tools: an exporter, Prometheus that scrapes it, its alerting rule, Alertmanager and our
// webhook, and the evidence that we read back from Prometheus. These are real processes on loopback, so they
// take real time.

const TOKEN = "E2E-WEBHOOK-TOKEN"
const STREAM = `supernode:${DEFAULT_SUPERNODE.id}`
/** Ends a test that hangs. On a busy machine each step may be slow. */
const MAX_MS = 100_000

/** Fires only after the load was high for longer than the points that our rule needs. */
const RULES = `
groups:
  - name: npu
    rules:
      - alert: NpuBusy
        expr: max(npu_load) > 85
        for: 5s
        labels: { cluster: train-a }
        annotations: { value: "{{ $value }}" }
`

const prometheusYaml = (exporter: string, alertmanager: string) => `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: [ rules.yaml ]
alerting: { alertmanagers: [ { static_configs: [ { targets: [ "${alertmanager}" ] } ] } ] }
scrape_configs: [ { job_name: npu, static_configs: [ { targets: [ "${exporter}" ] } ] } ]
`

/** Repeats its notification as fast as it can. Its receiver must tolerate that. */
const alertmanagerYaml = (webhook: string) => `
route: { receiver: autoscaler, group_by: [ alertname ], group_wait: 100ms, group_interval: 1s, repeat_interval: 1s }
receivers:
  - name: autoscaler
    webhook_configs:
      - url: ${webhook}
        send_resolved: true
        http_config: { authorization: { credentials: ${TOKEN} } }
`

const policyYaml = (prometheus: string) => `
version: 1
supernodes:
  - name: train-a
    region: ${DEFAULT_SUPERNODE.region}
    project_id: ${DEFAULT_SUPERNODE.projectId}
    id: ${DEFAULT_SUPERNODE.id}
    alarms: [ { alertmanager: { alertname: NpuBusy, cluster: train-a } } ]
    rules:
      - name: npu-busy
        metric:
          prometheus: { url: "${prometheus}", query: "max(npu_load)", period: 1s }
          lag: 1s
        above: 85
        points: 3 of 3
    ladder:
      - { flavor: kat3ne-16-400t.96xlarge.8.matrix, servers: 2, price: { amount: 120000, currency: CNY, per: month } }
      - { flavor: kat3ne-32-800t.192xlarge.8.matrix, servers: 4, price: { amount: 240000, currency: CNY, per: month } }
    order: { image_id: f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81, key_pair_name: KeyPair-42c4 }
    limits: { actions: 2 per 24h, servers: 48, budget: { amount: 500000, currency: CNY, per: 30d } }
`

const cleanUps: (() => unknown)[] = []
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp()
})

/** All programs, started and ready, with a low load. */
async function startAll({ prometheus, alertmanager }: { prometheus: string; alertmanager: string }) {
  const folder = mkdtempSync(join(tmpdir(), "e2e-"))
  cleanUps.push(() => rmSync(folder, { recursive: true, force: true }))
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const exporter = new Exporter()
  const exporterAt = await exporter.start()
  cleanUps.push(() => exporter.stop())
  const sandbox = await SandboxApart.start({ supernodes: [DEFAULT_SUPERNODE], provisioningMs: 3_600_000 })
  cleanUps.push(() => sandbox.close())
  const cli = await buildCli()
  cleanUps.push(() => cli.remove())

  const [prometheusAt, alertmanagerAt] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  const env = {
    ...settingsOfFolder(folder),
    ...settingsOfCloud(sandbox.url),
    SUPERNODE_WEBHOOK_TOKEN: TOKEN,
  }
  file("policy.yaml", policyYaml(`http://${prometheusAt}`))
  await makeLedger(env.SUPERNODE_LEDGER, Date.now())
  // Ticks only at New Year, so that only the alarm can lead to the purchase.
  const serve = cli.serve(env, "--tick", "0 0 1 1 *")
  const webhook = `${await urlOf(serve)}/alertmanager`
  file("rules.yaml", RULES)
  const start = (program: string, ...args: string[]): Program => {
    const one = new Program(program, args, { cwd: folder })
    cleanUps.push(() => one.end())
    return one
  }
  const programs = {
    serve,
    alertmanager: start(
      alertmanager,
      `--config.file=${file("alertmanager.yaml", alertmanagerYaml(webhook))}`,
      `--storage.path=${join(folder, "alertmanager")}`,
      `--web.listen-address=${alertmanagerAt}`,
      "--cluster.listen-address=",
    ),
    prometheus: start(
      prometheus,
      `--config.file=${file("prometheus.yaml", prometheusYaml(exporterAt, alertmanagerAt))}`,
      `--storage.tsdb.path=${join(folder, "prometheus")}`,
      `--web.listen-address=${prometheusAt}`,
    ),
  }
  const wait = (what: string, isSo: () => boolean | Promise<boolean>) =>
    until(what, isSo, { mostMs: MAX_MS, programs })
  await wait("Alertmanager was ready", () => isReady(`http://${alertmanagerAt}/-/ready`))
  await wait("Prometheus was ready", () => isReady(`http://${prometheusAt}/-/ready`))
  return { exporter, sandbox, cli, env, serve, wait, prometheusAt }
}

it("places one order for a load that Prometheus measures and Alertmanager reports, however often alerts repeat", {
  timeout: 400_000,
}, async ({ skip }) => {
  const prometheus = findProgram("prometheus")
  const alertmanager = findProgram("prometheus-alertmanager", "alertmanager")
  if (prometheus === null || alertmanager === null)
    return skip(`${prometheus === null ? "prometheus" : "prometheus-alertmanager"} is not on the PATH`)
  const { exporter, sandbox, cli, env, serve, wait, prometheusAt } = await startAll({
    prometheus,
    alertmanager,
  })
  const answers = (status: number): number =>
    serve.err.split("\n").filter((line) => line.includes(`POST /alertmanager ${status} `)).length

  await wait("the idle load was scraped", async () => (await valueAt(prometheusAt, Date.now())) === "20")
  const orders = async (): Promise<number> => {
    await sandbox.look()
    return sandbox.orders.length
  }
  expect([await orders(), serve.err.includes("POST")]).toEqual([0, false])

  exporter.value = 97
  await wait("there was an order", async () => (await orders()) > 0)
  await wait("Alertmanager repeated itself twice", () => answers(200) >= 3)
  exporter.value = 20
  await wait("Alertmanager told that it is over", () => serve.err.includes("hold (not-alarm)"))
  expect(await orders()).toBe(1)
  expect(sandbox.scaleUps).toHaveLength(1)
  expect([answers(401), answers(500), answers(503)]).toEqual([0, 0, 0])

  serve.kill("SIGTERM")
  expect(await serve.ended).toBe(0)
  const verify = cli.start(env, "audit", "verify")
  expect([await verify.ended, verify.err]).toEqual([0, ""])
  const entries = await entriesIn(env.SUPERNODE_LEDGER)
  expect(entries.filter(({ attempt }) => attempt).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  const [opened] = entries
  expect(opened).toMatchObject({
    signal: { kind: "alarm", source: "alertmanager", alarm: "NpuBusy", labels: { cluster: "train-a" } },
    plan: { from: 2, to: 4 },
  })
  const evidence = opened?.decision?.findings.find((finding) => finding.gate === "evidence")
  expect(evidence?.says).toBe("npu-busy: 3 of 3 points above 85 (3 needed)")
  const points = pointsIn(evidence?.facts)
  expect(points.map(({ value }) => value)).toEqual([97, 97, 97])
  // A point has the time at which its second starts. Prometheus reports its value at the second's end.
  for (const { at, value } of points) expect(await valueAt(prometheusAt, at + 1_000)).toBe(String(value))
})

async function entriesIn(url: string): Promise<LedgerEntry[]> {
  const ledger = await openLedger(url)
  cleanUps.push(() => ledger.close())
  return entriesOf(ledger, STREAM)
}

/** The points of the one rule, as the decision's evidence names them. */
function pointsIn(facts: unknown): { at: number; value: number }[] {
  const { rules } = facts as { rules: { rule: string; points: { at: number; value: number }[] }[] }
  return rules.find(({ rule }) => rule === "npu-busy")?.points ?? []
}

/** Value that Prometheus reports for that instant, by another API than the one that we use. */
async function valueAt(prometheus: string, at: number): Promise<string | undefined> {
  const answer = await fetch(`http://${prometheus}/api/v1/query?query=max(npu_load)&time=${at / 1_000}`)
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } }
  return data.result[0]?.value[1]
}
