import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it, vi } from "vitest"
import { readSettings } from "../../lib/app/settings.ts"
import { startApp } from "../../lib/app/start.ts"
import type { Server } from "../../lib/decision/inputs/supernode.ts"
import { MINUTE, serverOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { DEPS, orderTo } from "../huawei/purchase/order.ts"
import { answer, says, startWire, type Wire } from "../huawei/wire.ts"
import { notification, post } from "../signals/webhooks/webhook-world.ts"

const NOW = Date.parse("2024-01-12T16:51:20Z")
const SECRET = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:huawei-AbCdEf"

const RULES = `
      - { name: queue, metric: { prometheus: { url: "https://prometheus.example.com", query: up, period: 1m } }, above: 85 }
      - { name: watch, metric: { cloudwatch: { namespace: N, name: queue, region: eu-west-1, period: 1m } }, above: 85 }`
const POLICY = `
version: 1
timezone: UTC
smn_topics: ["urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:supernode-alarms"]
notify:
  - { webhook: "https://hooks.example.com/x" }
  - { smn: "urn:smn:cn-north-4:0123456789abcdef0123456789abcdef:ops" }
  - { sns: "arn:aws:sns:eu-central-1:123456789012:ops" }
supernodes:
  - name: train-a
    region: cn-southwest-2
    project_id: 0123456789abcdef0123456789abcdef
    id: b4beacb6-4380-448c-a218-daa82cf03f5d
    cooldown: 60m
    limits: { servers: 4, actions: 2 per 24h }
    warmup: 0m
    rules:${RULES}
    ladder: [{ servers: 2, flavor: small }, { servers: 4, flavor: large }]
    order: { image_id: 7e8a1b90-6c1d-4c1b-9d0a-3f5a2b1c0d9e, root_volume: { type: SSD, size: 500 } }
`

let proxy: Wire
let folder: string
afterEach(async () => {
  vi.unstubAllEnvs()
  await proxy.close()
  rmSync(folder, { recursive: true })
})

const AWS_KEYS = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "SECRET" }
const WEB_IDENTITY = {
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/autoscaler",
}

async function appBehindProxy(more: Record<string, string>, aws: Record<string, string> = AWS_KEYS) {
  proxy = await startWire(says(answer(403)))
  folder = mkdtempSync(join(tmpdir(), "outgoing-"))
  writeFileSync(join(folder, "policy.yaml"), POLICY)
  writeFileSync(join(folder, "token"), "web-identity")
  const environment = {
    AWS_REGION: "eu-central-1",
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
    ...aws,
  }
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const settings: Record<string, string> = {
    SUPERNODE_POLICY: join(folder, "policy.yaml"),
    SUPERNODE_LEDGER: "dynamodb://ledger?region=us-east-1",
    HTTPS_PROXY: `http://ops:s3cret-pass@127.0.0.1:${proxy.port}`,
    ...more,
  }
  const clock = { now: () => NOW, monotonic: () => 0, wait: async () => undefined }
  return startApp(
    readSettings((name) => settings[name], Object.keys(settings)),
    { clock },
  )
}

const connects = () =>
  [...new Set([...proxy.received().matchAll(/^CONNECT (\S+) /gm)].map(([, host]) => host))].sort()

it("opens every connection to another machine through HTTPS_PROXY, and names the proxy if that fails", async () => {
  const app = await appBehindProxy({ HUAWEICLOUD_SDK_AK: "AK", HUAWEICLOUD_SDK_SK: "SK" })
  const policy = app.policies.supernodes[0]?.policy
  if (!policy) throw new Error("no supernode")
  const servers: Server[] = [serverOf("server-1")]
  const said = await Promise.all([
    app.ledger.head("control").catch(String),
    app.cloud.readMetrics({
      policy,
      supernode: supernodeOf({ servers }),
      signal: tickOf(),
      now: NOW + MINUTE,
    }),
    app.cloud.buy(orderTo({ endpoint: "https://modelarts.cn-southwest-2.myhuaweicloud.com", ...DEPS })),
    app.notifyTest(5_000),
    app.receive(post("/smn", notification())),
  ])
  await app.close()
  expect(connects()).toEqual([
    "dynamodb.us-east-1.amazonaws.com:443",
    "hooks.example.com:443",
    "modelarts.cn-southwest-2.myhuaweicloud.com:443",
    "monitoring.eu-west-1.amazonaws.com:443",
    "prometheus.example.com:443",
    "smn.cn-north-4.myhuaweicloud.com:443",
    "smn.cn-southwest-2.myhuaweicloud.com:443",
    "sns.eu-central-1.amazonaws.com:443",
  ])
  for (const one of said) expect(JSON.stringify(one)).toContain("the proxy answered CONNECT with 403")
  expect(JSON.stringify(said)).not.toMatch(/s3cret|SECRET/)
})

it.each([
  ["the secret", AWS_KEYS, "secretsmanager.eu-central-1.amazonaws.com:443"],
  ["the keys of a web identity", WEB_IDENTITY, "sts.eu-central-1.amazonaws.com:443"],
])("fetches %s through HTTPS_PROXY", async (_title, aws, host) => {
  const app = await appBehindProxy({ SUPERNODE_SECRET_ARN: SECRET }, aws)
  await expect(app.checkKeys()).rejects.toThrow("the proxy answered CONNECT with 403")
  await app.close()
  expect(connects()).toEqual([host])
})
