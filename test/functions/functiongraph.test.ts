import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { type DoorContext, makeHandler } from "../../functions/door.ts"
import { type FunctionGraphContext, onFunctionGraph } from "../../functions/functiongraph-context.ts"
import { FakeApp, handled, listen } from "./fakes.ts"

const EVENT = { record: [] }

/** A context as FunctionGraph's Node.js runtime makes it. Its methods read their own object. */
class FakeContext implements FunctionGraphContext {
  readonly requestID = "fg-request-1"
  userData: Record<string, string> = {}
  keys: { ak: string; sk: string; token: string } | null = null
  leftMs = 30_000

  getRequestID() {
    return this.requestID
  }
  getRemainingTimeInMilliSeconds() {
    return this.leftMs
  }
  getUserData(name: string) {
    return this.userData[name]
  }
  getAccessKey(): never {
    throw new Error("discontinued")
  }
  getSecretKey(): never {
    throw new Error("discontinued")
  }
  getSecurityAccessKey() {
    return this.keys?.ak ?? ""
  }
  getSecuritySecretKey() {
    return this.keys?.sk ?? ""
  }
  getSecurityToken() {
    return this.keys?.token ?? ""
  }
}

/** The context that a door behind FunctionGraph receives. */
async function asDoorContext(context: FunctionGraphContext): Promise<DoorContext> {
  const seen: DoorContext[] = []
  await onFunctionGraph(async (_event, door) => {
    seen.push(door)
    return { results: [] }
  })(EVENT, context)
  const [door] = seen
  if (!door) throw new Error("the door was not reached")
  return door
}

let context: FakeContext

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith("SUPERNODE_")))
    vi.stubEnv(name, undefined)
  context = new FakeContext()
})

afterEach(() => {
  vi.unstubAllEnvs()
})

describe("settings on FunctionGraph", () => {
  it("settings on FunctionGraph come from user data", async () => {
    context.userData = { SUPERNODE_MODE: "live" }
    expect((await asDoorContext(context)).host?.readSetting("SUPERNODE_MODE")).toBe("live")
  })

  it("settings on FunctionGraph come from the environment if user data has none", async () => {
    vi.stubEnv("SUPERNODE_MODE", "observe")
    context.userData = { SUPERNODE_MODE: "" }
    expect((await asDoorContext(context)).host?.readSetting("SUPERNODE_MODE")).toBe("observe")
  })

  it("settings on FunctionGraph come from user data before the environment", async () => {
    vi.stubEnv("SUPERNODE_MODE", "live")
    context.userData = { SUPERNODE_MODE: "observe" }
    expect((await asDoorContext(context)).host?.readSetting("SUPERNODE_MODE")).toBe("observe")
  })

  it("settings on FunctionGraph come from RUNTIME_USERDATA if getUserData is missing, and their names in any case", async () => {
    vi.stubEnv("RUNTIME_USERDATA", JSON.stringify({ SUPERNODE_MODE: "live", SUPERNODE_TYPO: "x" }))
    const { host } = await asDoorContext({ getRemainingTimeInMilliSeconds: () => 1 })
    expect(host?.readSetting("SUPERNODE_MODE")).toBe("live")
    expect(host?.settingNames).toContain("SUPERNODE_TYPO")
  })

  it.each(["not json", "null", "[]", "3", '{"SUPERNODE_MODE":1}'])(
    "settings on FunctionGraph ignore a RUNTIME_USERDATA of %s",
    async (text) => {
      vi.stubEnv("RUNTIME_USERDATA", text)
      expect((await asDoorContext(context)).host?.readSetting("SUPERNODE_MODE")).toBeUndefined()
    },
  )

  it("settings on FunctionGraph reach the app that a function starts", async () => {
    const app = new FakeApp()
    context.userData = { SUPERNODE_MODE: "lively" }
    listen()
    const alarm = onFunctionGraph(makeHandler("alarm", app.start))
    await expect(alarm(EVENT, context)).rejects.toMatchObject({ name: "SettingsError" })
    context.userData = { SUPERNODE_MODE: "observe" }
    await expect(alarm(EVENT, context)).resolves.toEqual({ results: [] })
  })
})

describe("keys on FunctionGraph", () => {
  it("keys on FunctionGraph are the temporary keys of the agency, read from each invocation", async () => {
    const app = new FakeApp()
    const alarm = onFunctionGraph(makeHandler("alarm", app.start))
    context.keys = { ak: "AK1", sk: "SK1", token: "T1" }
    await alarm(EVENT, context)
    context.keys = { ak: "AK2", sk: "SK2", token: "T2" }
    await alarm(EVENT, context)
    expect(app.starts).toBe(1)
    expect(app.calls.map(({ invocation }) => invocation.credentials)).toEqual([
      { ak: "AK1", sk: "SK1", securityToken: "T1" },
      { ak: "AK2", sk: "SK2", securityToken: "T2" },
    ])
  })

  it.each([
    ["no agency is set", null],
    ["the token is missing", { ak: "AK", sk: "SK", token: "" }],
    ["the secret is missing", { ak: "AK", sk: "", token: "T" }],
  ])("keys on FunctionGraph are missing if %s", async (_case, keys) => {
    context.keys = keys
    expect((await asDoorContext(context)).host?.credentials).toBeNull()
  })

  it("keys on FunctionGraph are in no line of the log", async () => {
    const heard = listen()
    const app = new FakeApp()
    app.answer = async () => handled({ warnings: ["beware"] })
    context.keys = { ak: "THE-AK", sk: "THE-SK", token: "THE-TOKEN" }
    context.userData = { SUPERNODE_WEBHOOK_TOKEN: "THE-WEBHOOK-TOKEN" }
    await onFunctionGraph(makeHandler("alarm", app.start))(EVENT, context)
    expect(heard.lines()).toMatchObject([{ message: "beware", correlation_id: "fg-request-1" }])
    expect(heard.text()).not.toMatch(/THE-/)
  })
})

describe("the invocation on FunctionGraph", () => {
  it("an invocation on FunctionGraph has the request's id, by method or by property", async () => {
    expect((await asDoorContext(context)).awsRequestId).toBe("fg-request-1")
    const old = { requestID: "fg-request-2", getRemainingTimeInMilliSeconds: () => 1 }
    expect((await asDoorContext(old)).awsRequestId).toBe("fg-request-2")
  })

  it("an invocation on FunctionGraph reports the remaining time as the time passes", async () => {
    const door = await asDoorContext(context)
    context.leftMs = 7
    expect(door.getRemainingTimeInMillis()).toBe(7)
  })

  it("an invocation on FunctionGraph returns a gateway's response in the gateway's form", async () => {
    const app = new FakeApp()
    app.answer = async () => handled({ http: { status: 200, body: { results: [] } } })
    expect(await onFunctionGraph(makeHandler("alarm", app.start))(EVENT, context)).toEqual({
      statusCode: 200,
      headers: { "content-type": "application/json" },
      body: '{"results":[]}',
      isBase64Encoded: false,
    })
  })
})
