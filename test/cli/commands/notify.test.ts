import { expect, it } from "vitest"
import { httpForTest } from "../../world/loopback-for-test.ts"
import { cliFixture, POLICY } from "../harness.ts"

/** A chat robot that responds with status 200 and this code. */
async function robot(errcode: number): Promise<string> {
  const answer = JSON.stringify({ errcode, errmsg: "said" })
  return `${await httpForTest((_, response) => response.end(answer))}/HOOK-SECRET`
}

it("notify test shows each recipient's result, without any address, and exits 1 if a notification failed", async () => {
  const notify = `notify: [{ webhook: "${await robot(0)}", format: wecom }, { webhook: "${await robot(40008)}", format: dingtalk, on: [trouble] }]`
  const { run } = cliFixture(POLICY.replace("version: 1", `version: 1\n${notify}`))
  const { code, out, err } = await run("notify", "test")
  expect(out).toContain("1 (wecom): accepted")
  expect(out).toContain("2 (dingtalk): FAILED: the webhook answered 200 with code 40008: said (on: trouble)")
  expect(`${out}${err}`).not.toMatch(/HOOK-SECRET|127\.0\.0\.1/)
  expect(code).toBe(1)
})

it("notify test says which policy key to add if the policy names no recipient", async () => {
  const { code, err } = await cliFixture().run("notify", "test")
  expect([code, err]).toEqual([1, expect.stringContaining("add a list under `notify`")])
})
