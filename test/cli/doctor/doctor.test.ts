import { readdirSync } from "node:fs"
import { describe, expect, it, onTestFinished } from "vitest"
import { DEFAULT_ACCESS_KEY, DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import { LEDGER_ID } from "../../ledger/initialised.ts"
import { PrometheusServer } from "../../metrics/prometheus/server.ts"
import { type CloudFixture, cliFixture, cloudFixture, POLICY, TWO_SUPERNODES } from "../harness.ts"

const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"

const withRule = (source: string, from = POLICY) => from.replace(CLOUD_EYE, source)

/** The lines of a report that begin a check. `below` returns the lines under one check. */
const checksIn = (out: string) => out.split("\n").filter((line) => /^(ok|PROBLEM) {2}/.test(line))
const below = (out: string, check: string) => {
  const lines = out.split("\n")
  const begin = lines.findIndex((line) => line.includes(check)) + 1
  const end = lines.findIndex((line, i) => i >= begin && !line.startsWith("      "))
  return lines.slice(begin, end).map((line) => line.trim())
}

describe("doctor without problems", () => {
  it("doctor prints a line per check, with the newest value of each rule and its age, and exits 0", async () => {
    const own = await cloudFixture()
    const { code, out } = await own.run("doctor", "train-a")
    expect(out.split("\n")).toEqual([
      "ok  settings: mode live: purchases are made",
      expect.stringMatching(/^ok {2}policy: .*policy\.yaml: valid, 1 supernode$/),
      `ok  ledger: sqlite:${own.ledgerPath} (${LEDGER_ID}): readable and writable; 1 of 2 streams has entries`,
      "ok  keys: keys are present",
      "ok  train-a: supernode: ACTIVE, 2 servers; rung 2 of 3: kat3ne-16-400t.96xlarge.8.matrix",
      "ok  train-a: offers: the cloud lists every larger rung (1)",
      "ok  train-a: rule npu-busy: 95 on 2 of 2 servers, period ended 2024-01-12 16:50:00 +00:00, 2 minutes ago; 5 of 5 periods have data",
      "",
      "all is well",
      "",
    ])
    expect(code).toBe(0)
  })

  it("doctor writes nothing: no ledger, no order, not even a file", async () => {
    const own = await cloudFixture()
    const before = await own.ledger(async () => readdirSync(own.dir))
    await own.run("doctor")
    expect(readdirSync(own.dir)).toEqual(before)
    expect((await own.run("audit", "list")).out.trimEnd().split("\n")).toHaveLength(2)
    expect(own.sandbox.scaleUps).toEqual([])
  })

  it("doctor --json reports the checks of the text output", async () => {
    const own = await cloudFixture()
    const ran = await own.run("doctor", "--json")
    expect(ran.json()).toMatchObject({
      ok: true,
      checks: expect.arrayContaining([
        {
          what: "rule npu-busy",
          supernode: "train-a",
          ok: true,
          says: expect.stringMatching(/^95 on 2/),
          todo: [],
        },
      ]),
    })
  })

  it("doctor passes with sold-out rungs, a rule on alarms and a supernode on its top rung, and describes them", async () => {
    const own = await cloudFixture(
      {},
      POLICY.replace(
        "    ladder:",
        "      - { name: rings, metric: { alarm: true }, above: 1 }\n    ladder:",
      ),
    )
    own.sandbox.setOffers([{ flavor: "kat3ne-32-800t.192xlarge.8.matrix", servers: 4, soldOut: true }])
    const { code, out } = await own.run("doctor")
    expect(out).toContain("; sold out now: kat3ne-32-800t.192xlarge.8.matrix")
    expect(out).toContain("rule rings: uses the alarm's own points: there is no data before an alarm")
    expect(code).toBe(0)
  })
})

describe("doctor with a problem", () => {
  /** The one failed check, and the lines under it. */
  async function onlyProblem(own: Pick<CloudFixture, "run">, ...argv: string[]) {
    const { code, out } = await own.run("doctor", ...argv)
    const problems = checksIn(out).filter((line) => line.startsWith("PROBLEM"))
    expect(code).toBe(1)
    expect(problems).toHaveLength(1)
    const [problem = ""] = problems
    return { problem, todo: below(out, problem), out }
  }

  it("doctor names every wrong setting, and checks nothing else", async () => {
    const own = cliFixture()
    Object.assign(own.env, { SUPERNODE_MODE: "loud", SUPERNODE_SECRET_ARN: "x" })
    const { code, out } = await own.run("doctor")
    expect(checksIn(out).map((line) => line.slice(0, 35))).toEqual([
      "PROBLEM  settings: SUPERNODE_MODE: ",
      "PROBLEM  settings: SUPERNODE_SECRET",
    ])
    expect(code).toBe(1)
  })

  it("doctor names every problem of the policy by its position, and still checks the ledger", async () => {
    const { out } = await cliFixture(POLICY.replace("above: 85", "abofe: 85")).run("doctor")
    const ofPolicy = checksIn(out).filter((line) => line.includes("policy:"))
    expect(ofPolicy.length).toBeGreaterThan(0)
    // Each line is one problem of the file. The test does not fix their number.
    for (const line of ofPolicy) expect(line).toMatch(/^PROBLEM {2}policy: .*policy\.yaml:\d+:\d+: /)
    expect(checksIn(out).at(-1)).toMatch(/^ok {2}ledger: sqlite:/)
  })

  it("doctor reports a chain that cannot be trusted, and still checks the cloud", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "train-a", "--why", "x", "--until", "1m")
    await own.run("run", "--event", "test/events/functiongraph-smn-cloud-eye-alarm.json")
    own.spoil(DEFAULT_SUPERNODE.id)
    const { problem, out } = await onlyProblem(own)
    expect(problem).toMatch(/^PROBLEM {2}ledger: /)
    expect(out).toContain("ok  train-a: rule npu-busy: 95 on 2 of 2 servers")
  })

  it("doctor names the possible sources of keys if no keys are set", async () => {
    const own = await cloudFixture()
    Object.assign(own.env, { HUAWEICLOUD_SDK_AK: undefined, HUAWEICLOUD_SDK_SK: undefined })
    const { problem } = await onlyProblem(own)
    expect(problem).toMatch(/^PROBLEM {2}keys: no credentials: set HUAWEICLOUD_SDK_AK/)
  })

  it.each([
    [
      "a wrong key",
      { HUAWEICLOUD_SDK_SK: "another" },
      "the key is wrong: HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK",
    ],
    [
      "quotes around a key",
      { HUAWEICLOUD_SDK_AK: '"AK"' },
      "HUAWEICLOUD_SDK_AK contains quotes as part of its value",
    ],
    ["a variable that nothing replaced", { HUAWEICLOUD_SDK_SK: "$SK" }, "HUAWEICLOUD_SDK_SK contains a $"],
    [
      "swapped keys",
      { HUAWEICLOUD_SDK_AK: DEFAULT_ACCESS_KEY.sk, HUAWEICLOUD_SDK_SK: DEFAULT_ACCESS_KEY.ak },
      "must be the two parts of one access key of this cloud, not swapped",
    ],
  ])("doctor names the problem of %s, not a missing permission", async (_what, env, says) => {
    const own = await cloudFixture()
    Object.assign(own.env, env)
    const { code, out } = await own.run("doctor")
    expect(out).toContain(says)
    expect(out).not.toContain("give the keys' user the permission")
    expect(code).toBe(1)
  })

  it("doctor names the missing permission if the cloud knows the key and refuses the read", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("supernode", { status: 403, code: "APIG.0305", message: "no permission" })
    const { out } = await own.run("doctor")
    expect(out).toContain("give the keys' user the permission to read Lite Server supernodes (modelarts)")
    expect(out).not.toContain("the key is wrong")
  })

  it("doctor reports that the cloud has no supernode with the id of the policy", async () => {
    const own = await cloudFixture({}, TWO_SUPERNODES)
    const { code, out } = await own.run("doctor", "train-b")
    expect(checksIn(out).filter((line) => line.includes("train-b: supernode"))[0]).toMatch(
      /^PROBLEM .*cannot be read: .*404/,
    )
    expect(below(out, "train-b: supernode")[0]).toMatch(/^check that c5cfbdc7-\S+ is the supernode's id/)
    expect(code).toBe(1)
  })

  it("doctor reports a number of servers that is on no rung, and prints the rung to add to the ladder", async () => {
    const own = await cloudFixture({ supernodes: [{ ...DEFAULT_SUPERNODE, servers: 3 }] })
    own.sandbox.setLoad(95)
    const { problem, todo } = await onlyProblem(own)
    expect(problem).toContain("ACTIVE, 3 servers, which is not on the ladder (1, 2, 4)")
    expect(todo).toEqual(["write a rung with servers: 3 into `ladder`"])
  })

  it("doctor names the flavor that is not for sale, and the flavors that are for sale", async () => {
    const own = await cloudFixture({}, POLICY.replace("kat3ne-32-800t.192xlarge.8.matrix", "kat3ne-32.typo"))
    const { problem, todo } = await onlyProblem(own)
    expect(problem).toContain("the cloud does not offer kat3ne-32.typo for this supernode")
    expect(todo[0]).toMatch(/^listed: .*kat3ne-32-800t\.192xlarge\.8\.matrix/)
  })

  it("doctor names the metric and the newest point that Cloud Eye has, for a rule without data", async () => {
    const own = await cloudFixture(
      { supernodes: [{ ...DEFAULT_SUPERNODE, npus: 2 }] },
      withRule(
        CLOUD_EYE.replace("period: 5m", 'period: 5m, dimensions: { instance_id: "{server.id}", npu: "0" }'),
      ),
    )
    own.sandbox.setLoad(95)
    const { problem, todo } = await onlyProblem(own)
    expect(problem).toMatch(
      /rule npu-busy: servers .*: Cloud Eye has no usable point in the requested periods$/,
    )
    expect(todo).toEqual([
      expect.stringMatching(
        /^Cloud Eye has metrics of \S+ with instance_id = \{server\.cloud_server\.hps_ecs_id\}:$/,
      ),
      "AGT.ECS npu_util_rate_ai_core, dimensions instance_id",
      "AGT.ECS npu_util_rate_ai_core, dimensions instance_id and npu (2 series)",
      expect.stringMatching(
        /^its newest point \(instance_id \S+, npu 1\) is 95, from 2024-01-12 16:5\d:00 \+00:00/,
      ),
    ])
  })

  it("doctor reports that the newest point of a metric is old", async () => {
    const own = await cloudFixture()
    own.sandbox.setLoad({
      load: [
        { from: "2024-01-12T14:00:00Z", value: 50 },
        { from: "2024-01-12T15:30:00Z", value: null },
      ],
    })
    const { todo } = await onlyProblem(own)
    expect(todo.at(-1)).toMatch(
      /^its newest point \(.*\) is 50, from 2024-01-12 15:29:00 \+00:00, 1 hour ago$/,
    )
  })

  it("doctor reports that a Prometheus does not respond, and where to try the query", async () => {
    const own = await cloudFixture(
      {},
      withRule("prometheus: { url: http://127.0.0.1:1, query: avg(npu), period: 1m }"),
    )
    const { problem, todo } = await onlyProblem(own)
    expect(problem).toMatch(/Prometheus could not be read: 127\.0\.0\.1:1 got no response/)
    expect(todo[0]).toMatch(/^try the query at http:\/\/127\.0\.0\.1:1 itself/)
  })

  it.each([
    [401, "set SUPERNODE_PROMETHEUS_AUTH to a login that this Prometheus accepts (docs/settings.md)"],
    [403, "give the login of SUPERNODE_PROMETHEUS_AUTH the permission to query there (docs/settings.md)"],
  ])("doctor distinguishes a wrong Prometheus login from a missing permission: %i", async (status, says) => {
    const server = await PrometheusServer.start()
    onTestFinished(() => server.close())
    server.instead = (_, response) => {
      response.writeHead(status).end()
      return true
    }
    const own = await cloudFixture(
      {},
      withRule(`prometheus: { url: "${server.url}", query: avg(npu), period: 1m }`),
    )
    const { todo } = await onlyProblem(own)
    expect(todo).toEqual([says])
  })

  it("doctor reports that a CloudWatch rule has no region", async () => {
    const own = await cloudFixture({}, withRule("cloudwatch: { namespace: x, name: y, period: 1m }"))
    const { problem } = await onlyProblem(own)
    expect(problem).toContain("write `region` in the rule's cloudwatch, or set AWS_REGION")
  })
})

it("doctor treats an unknown supernode name as wrong usage, and not as a problem", async () => {
  const { code, err } = await (await cloudFixture()).run("doctor", "train-x")
  expect(err).toContain('no supernode is named "train-x"')
  expect(code).toBe(1)
})
