import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { parse } from "@cdktn/hcl2json"
import { beforeAll, describe, expect, it } from "vitest"
import { type Body, KIT, type Kit, readKit, resourcesOf } from "./huawei-kit.ts"
import { problemsOf, unknownReferences } from "./schema.ts"

let kit: Kit
let text: string

function body(type: string, name: string): Body {
  const found = kit.resource[type]?.[name]?.[0]
  if (!found) throw new Error(`no ${type}.${name}`)
  return found
}

/** An interpolation as hcl2json writes it. */
function expression(text: string): string {
  return `$\{${text}}`
}

beforeAll(async () => {
  kit = await readKit()
  const files = (await readdir(KIT)).filter((name) => name.endsWith(".tf"))
  const texts = await Promise.all(files.map((file) => readFile(join(KIT, file), "utf8")))
  text = texts.join("\n").replaceAll(/^\s*#.*$/gm, "")
})

describe("deploy/huawei against the provider's published schemas", () => {
  it("deploy/huawei uses only arguments and blocks that its Terraform provider has, and all required ones", () => {
    expect(resourcesOf(kit).length).toBeGreaterThan(15)
    expect(resourcesOf(kit).flatMap(problemsOf)).toEqual([])
  })

  it("deploy/huawei reads only attributes that its Terraform provider exports", () => {
    const addresses = new Set(resourcesOf(kit).map(({ address }) => address))
    expect(unknownReferences(text, addresses)).toEqual([])
  })

  it.each([
    ['name = "x"\ntopics = 1', ["smn_topic.t: topics is not an argument"], "smn_topic"],
    ['display_name = "x"', ["smn_topic.t: name is required"], "smn_topic"],
    ['alarm_name = "x"', ["ces_alarmrule.t: the block metric is required"], "ces_alarmrule"],
    [
      'alarm_name = "x"\nmetric {\n  name = 1\n}',
      ["ces_alarmrule.t.metric: name is not an argument", "ces_alarmrule.t.metric: namespace is required"],
      "ces_alarmrule",
    ],
    ["", ["no_such.t: the provider has no resource huaweicloud_no_such"], "no_such"],
  ])(
    "the check against the Terraform provider's schemas finds a fault in %j",
    async (written, problems, type) => {
      const parsed = await parse("x.tf", `resource "huaweicloud_${type}" "t" {\n${written}\n}\n`)
      const [broken] = parsed["resource"][`huaweicloud_${type}`].t
      expect(problemsOf({ address: `${type}.t`, type: `huaweicloud_${type}`, body: broken })).toEqual(
        problems,
      )
    },
  )
})

describe("deploy/huawei's variables", () => {
  it("deploy/huawei declares, uses and describes every variable", () => {
    const used = new Set([...text.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name))
    expect([...used].sort()).toEqual(Object.keys(kit.variable).sort())
    const local = new Set([...text.matchAll(/\blocal\.(\w+)/g)].map(([, name]) => name))
    expect([...local].sort()).toEqual(Object.keys(kit.locals).sort())
    for (const [name, [{ description, type }]] of Object.entries({ ...kit.variable })) {
      expect({ name, description, type }).toMatchObject({
        description: expect.stringMatching(/^.{15,}$/),
        type: expect.any(String),
      })
    }
    for (const [{ description }] of Object.values(kit.output)) expect(description).toMatch(/\.$/)
  })

  it("deploy/huawei keeps every password and every secret out of what Terraform prints", () => {
    for (const name of ["secrets", "database_password"])
      expect(kit.variable[name]?.[0]).toMatchObject({ sensitive: true })
    for (const [{ value }] of Object.values(kit.output)) expect(value).not.toMatch(/secret|password/)
  })

  it("deploy/huawei's example sets only existing variables, and every variable that has no default", async () => {
    const example = await parse("x.tf", await readFile(join(KIT, "terraform.tfvars.example"), "utf8"))
    expect(Object.keys(kit.variable)).toEqual(expect.arrayContaining(Object.keys(example)))
    const needed = Object.entries(kit.variable).filter(([, [one]]) => !("default" in one))
    expect(Object.keys(example)).toEqual(expect.arrayContaining(needed.map(([name]) => name)))
  })
})

describe("the promises of deploy/huawei", () => {
  it("deploy/huawei observes by default, and refuses live mode without the permission to scale up", () => {
    expect(kit.variable["mode"]?.[0]).toMatchObject({ default: "observe" })
    expect(kit.variable["scale_up_actions"]?.[0]).toMatchObject({ default: [] })
    expect(JSON.stringify(body("huaweicloud_identity_role", "execution")["lifecycle"])).toContain(
      'var.mode == \\"observe\\" || length(var.scale_up_actions) > 0',
    )
  })

  it("deploy/huawei repeats no failed run, drops old events, and reports each failure to people", () => {
    expect(body("huaweicloud_fgs_async_invoke_configuration", "autoscaler")).toMatchObject({
      for_each: expression("huaweicloud_fgs_function.autoscaler"),
      max_async_retry_attempts: 0,
      max_async_event_age_in_seconds: 900,
      on_failure: [{ destination: "SMN", param: expect.stringContaining("operators.topic_urn") }],
    })
  })

  it("deploy/huawei configures the three handlers that the built function exports", () => {
    expect(Object.keys(kit.locals["functions"] as Body).sort()).toEqual(["alarm", "manual", "schedule"])
    expect(body("huaweicloud_fgs_function", "autoscaler")).toMatchObject({
      handler: `index.${expression("each.key")}`,
      timeout: 180,
      encrypted_user_data: expression("local.secrets"),
      enable_lts_log: true,
    })
  })

  it("deploy/huawei repeats an alarm every five minutes, and reports its end to the same topic", () => {
    const topic = { notification_list: [expression("huaweicloud_smn_topic.alarms.topic_urn")] }
    expect(body("huaweicloud_ces_alarmrule", "load")).toMatchObject({
      condition: [{ suppress_duration: 300 }],
      alarm_actions: [topic],
      ok_actions: [topic],
    })
  })

  it("deploy/huawei sends alarms about failures and missing ticks to people, and not to the autoscaler", () => {
    for (const name of ["failures", "missing_tick"]) {
      const rule = JSON.stringify(body("huaweicloud_ces_alarmrule", name))
      expect(rule).toContain("smn_topic.operators")
      expect(rule).not.toContain("smn_topic.alarms")
    }
    const trigger = JSON.stringify(body("huaweicloud_fgs_function_trigger", "alarms"))
    expect(trigger).toContain("smn_topic.alarms")
    expect(trigger).not.toContain("smn_topic.operators")
  })

  it("deploy/huawei raises an alarm if ticks are missing for fifteen minutes, even of one shard only", () => {
    const condition = { metric_name: "count", comparison_operator: "<", period: 300, count: 3, filter: "sum" }
    expect(body("huaweicloud_ces_alarmrule", "missing_tick")).toMatchObject({
      condition: [{ ...condition, value: expression("var.shards") }],
    })
    expect(body("huaweicloud_fgs_function_trigger", "tick")["event_data"]).toContain('schedule      = "5m"')
  })

  it("deploy/huawei creates a timer for each shard, and one timer for all supernodes if there is one shard", () => {
    const { count, event_data } = body("huaweicloud_fgs_function_trigger", "tick")
    expect(count).toBe(expression("var.shards"))
    expect(event_data).toContain('var.shards == 1 ? "" :')
    expect(event_data).toContain(`shard = "${expression("count.index + 1")}/${expression("var.shards")}"`)
  })

  it("deploy/huawei's database replicates synchronously, is backed up, and is never destroyed by mistake", () => {
    expect(body("huaweicloud_rds_instance", "ledger")).toMatchObject({ ha_replication_mode: "sync" })
    for (const type of ["huaweicloud_rds_instance", "huaweicloud_geminidb_instance"]) {
      expect(body(type, "ledger")).toMatchObject({
        backup_strategy: [{ keep_days: 14 }],
        lifecycle: [{ prevent_destroy: true }],
      })
    }
  })

  it("deploy/huawei notifies people of every scale-up that CTS records, whether the autoscaler placed it or not", () => {
    expect(body("huaweicloud_cts_notification", "scale_up")).toMatchObject({
      smn_topic: expression("huaweicloud_smn_topic.operators.topic_urn"),
      operations: [{ trace_names: ["scaleuphyperinstanceServerHyperinstance"] }],
    })
  })
})
