import { once } from "node:events"
import { request } from "node:http"
import { createServer } from "node:net"
import { describe, expect, it, onTestFinished } from "vitest"
import { LEDGER_ID } from "../../ledger/initialised.ts"
import { portForTest } from "../../world/loopback-for-test.ts"
import { type CliFixture, cliFixture, cloudFixture, POLICY, type Ran } from "../harness.ts"
import { problemsOf } from "../output.ts"

const TOKEN = "THE-WEBHOOK-TOKEN"

/** Runs `serve` on a free port until `stop`. `until` waits for a line of its output. */
function serve(own: CliFixture, ...argv: string[]) {
  let said = ""
  let heard = (): void => undefined
  let stop = (): void => undefined
  let hangUp = (): void => undefined
  const sink = {
    write: (text: string) => {
      said += text
      heard()
    },
  }
  const stopped = new Promise<void>((resolve) => {
    stop = resolve
  })
  const ran: Promise<Ran> = own.runWith(
    {
      stdout: sink,
      stderr: sink,
      untilStopped: () => stopped,
      onHangup: (work) => {
        hangUp = work
        return () => undefined
      },
    },
    "serve",
    "--port",
    "0",
    ...argv,
  )
  onTestFinished(async () => {
    stop()
    await ran
  })
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(said)
      if (found) return found
      await new Promise<void>((resolve) => {
        heard = resolve
      })
    }
  }
  return {
    ran,
    until,
    said: () => said,
    hangUp: () => hangUp(),
    async stop() {
      stop()
      return (await ran).code
    },
    async send(method: "GET" | "POST", path: string, body = ""): Promise<number> {
      const port = Number((await until(/http:\/\/127\.0\.0\.1:(\d+)/))[1])
      const headers = { authorization: `Bearer ${TOKEN}` }
      const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }).end(body)
      const [response] = (await once(sent, "response")) as [import("node:http").IncomingMessage]
      response.resume()
      return response.statusCode ?? 0
    },
  }
}

describe("serve", () => {
  it("serve prints its address, its mode and its closed webhooks, and exits 0 when stopped", async () => {
    const own = await cloudFixture()
    const served = serve(own)
    await served.until(/ledger: /)
    const lines = served
      .said()
      .replaceAll("2024-01-12T16:52:00.000Z ", "")
      .replace(/:\d{4,5}/, ":PORT")
      .split("\n")
    expect(lines).toEqual([
      "INFO  serving on http://127.0.0.1:PORT",
      "INFO  mode: live; it buys",
      `INFO  policy: ${own.env["SUPERNODE_POLICY"]}: train-a`,
      "INFO  ticks: */5 * * * *; the next at 2024-01-12T16:55:00.000Z",
      "INFO  a stop may take up to 2m if a purchase is in progress",
      "WARN  /alertmanager and /grafana are closed: SUPERNODE_WEBHOOK_TOKEN is not set",
      "WARN  /smn is closed: neither smn_topics in the policy nor SUPERNODE_SMN_TOPICS names a topic",
      "WARN  /sns is closed: neither sns_topics in the policy nor SUPERNODE_SNS_TOPICS names a topic",
      `INFO  ledger: sqlite:${own.ledgerPath} (${LEDGER_ID})`,
      "",
    ])
    expect(await served.stop()).toBe(0)
    expect(served.said()).toMatch(/stopping: nothing is in progress\n.*stopped\n$/)
  })

  it("serve warns that it buys nothing if SUPERNODE_MODE is not live", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_MODE"] = undefined
    expect((await serve(own).until(/WARN {2}mode: .*/))[0]).toBe(
      "WARN  mode: OBSERVE; it decides and records, and BUYS NOTHING (SUPERNODE_MODE is not live)",
    )
  })

  it("serve warns that other machines can reach its address without TLS, which exposes bearer tokens", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_WEBHOOK_TOKEN"] = TOKEN
    const served = serve(own, "--host", "0.0.0.0")
    await served.until(/0\.0\.0\.0 accepts connections from other machines without TLS, so bearer tokens/)
    expect(served.said()).not.toContain("closed: SUPERNODE_WEBHOOK_TOKEN")
  })

  it("serve logs one line per request, at a level that fits the response status, and never the token", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_WEBHOOK_TOKEN"] = TOKEN
    const served = serve(own)
    expect(await served.send("POST", "/alertmanager", "{}")).toBe(400)
    expect(await served.send("POST", `/nowhere/${TOKEN}`)).toBe(404)
    expect(await served.send("POST", `/%1b%5b8m/${"x".repeat(900)}`)).toBe(404)
    expect(await served.send("GET", "/healthz")).toBe(200)
    await served.until(/WARN {2}POST \/alertmanager 400 in \d+ ms: malformed/)
    await served.until(/WARN {2}POST \/nowhere\/THE-… 404 in \d+ ms: no such path/)
    await served.until(/WARN {2}POST \/%1b%5b8m\/xxxx… 404/)
    expect(served.said()).not.toMatch(/THE-WEBHOOK-TOKEN|healthz/)
  })

  it("no text in an alarm can forge a line of the log that serve writes", async () => {
    const own = await cloudFixture()
    own.env["SUPERNODE_WEBHOOK_TOKEN"] = TOKEN
    const served = serve(own)
    const alertname =
      "x\n2024-01-12T16:52:00.000Z INFO  train-a: scale-up, accepted\u001b[8m\u202e\u009b2J\u200b\u007f"
    const alert = {
      status: "firing",
      labels: { alertname },
      startsAt: "2024-01-12T16:51:00Z",
      fingerprint: "ab",
    }
    expect(await served.send("POST", "/alertmanager", JSON.stringify({ alerts: [alert] }))).toBe(200)
    await served.until(
      /^2024-01-12T16:52:00.000Z WARN {2}no supernode lists the alertmanager alarm x 2024.*under `alarms`/m,
    )
    expect(served.said()).not.toMatch(/^.{24} INFO {2}train-a|(?!\n)\p{Cc}|\p{Cf}/mu)
  })

  it.each([
    ["ERROR", /^$/],
    ["DEBUG", /DEBUG GET \/healthz 200 in \d+ ms/],
  ])("serve logs at the level that SUPERNODE_LOG_LEVEL=%s sets", async (level, says) => {
    const own = await cloudFixture()
    own.env["SUPERNODE_LOG_LEVEL"] = level
    const served = serve(own)
    if (level === "DEBUG") await served.send("GET", "/healthz")
    await served.stop()
    expect(served.said()).toMatch(says)
  })

  it("serve logs JSON lines with --json, and nothing else on stdout", async () => {
    const own = await cloudFixture()
    const served = serve(own, "--json")
    await served.until(/sns is closed/)
    await served.stop()
    const lines = served
      .said()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(lines[0]).toMatchObject({
      level: "INFO",
      message: expect.stringMatching(/^serving on/),
      port: expect.any(Number),
    })
    expect(lines.map((line) => problemsOf("serve", line)).filter((problem) => problem !== null)).toEqual([])
    expect(lines.at(-1)).toEqual({ at: "2024-01-12T16:52:00.000Z", level: "INFO", message: "stopped" })
  })

  it("serve reads the policy again on SIGHUP, and keeps the previous policy if the new one is invalid", async () => {
    const own = await cloudFixture()
    const served = serve(own)
    await served.until(/serving on/)
    own.file("policy.yaml", POLICY.replace("above: 85", "above: 90"))
    served.hangUp()
    await served.until(/INFO {2}the policy was read again: train-a sha256:/)
    own.file("policy.yaml", POLICY.replace("above: 85", "above: high"))
    served.hangUp()
    await served.until(/ERROR .*policy\.yaml:11:16: supernodes\.0\.rules\.0\.above: must be a number/)
    await served.until(/ERROR the new policy was refused; the previous one stays active/)
  })
})

describe("serve does not start", () => {
  it("serve exits 1 on a port in use", async () => {
    const port = await portForTest(createServer())
    const { code, err } = await (await cloudFixture()).run("serve", "--port", String(port))
    expect([code, err]).toEqual([
      1,
      `error: port ${port} on 127.0.0.1 is in use; choose another with --port\n`,
    ])
  })

  it("serve exits 1 on an address that is not this machine's", async () => {
    const { code, err } = await (await cloudFixture()).run("serve", "--port", "0", "--host", "192.0.2.1")
    expect([code, err]).toEqual([
      1,
      "error: 192.0.2.1 is not an address of this machine; choose another with --host\n",
    ])
  })

  it("serve exits 1 and lists all problems, such as missing keys and a ledger in memory in live mode", async () => {
    const own = cliFixture()
    Object.assign(own.env, { SUPERNODE_MODE: "live", SUPERNODE_LEDGER: "memory:" })
    const { code, err } = await own.run("serve", "--port", "0")
    expect(code).toBe(1)
    expect(err).toMatch(
      /HUAWEICLOUD_SDK_AK: must be set.*\n.*SUPERNODE_LEDGER: must not be memory: in live mode/,
    )
  })

  it("serve exits 1 with an invalid policy, and names the position of the problem", async () => {
    const own = await cloudFixture({}, POLICY.replace("above: 85", "above: high"))
    const { code, err } = await own.run("serve", "--port", "0")
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/policy\.yaml:11:16: supernodes\.0\.rules\.0\.above/),
    ])
  })
})
