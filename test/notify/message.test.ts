import { describe, expect, it } from "vitest"
import { messageOf } from "../../lib/notify/message.ts"
import { HASH, noticeOf, STREAM } from "./notice.ts"

describe("the message", () => {
  it("is a text that Slack and its like show, and the same in fields for machines", () => {
    expect(messageOf(noticeOf())).toEqual({
      text: [
        "train-a: the outcome of a purchase is unknown",
        "the attempt has an unknown outcome: no answer came",
        "To do: `supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO`",
        `On record: ${STREAM}#2 ${HASH}`,
      ].join("\n"),
      supernode: "train-a",
      mode: "live",
      state: "unknown",
      says: "the attempt has an unknown outcome: no answer came",
      todo: "supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO",
      since: "2024-01-12T17:00:00.000Z",
      attempt: "attempt-1",
      orderId: "CS1",
      planHash: null,
      entry: { stream: STREAM, seq: 2, hash: HASH },
    })
  })

  it("says where nothing would be bought anyway", () => {
    expect(messageOf(noticeOf({ mode: "observe", state: "approval-needed" })).text).toMatch(
      /^train-a: a purchase wants approval \(observe: nothing is bought in this mode\)\n/,
    )
  })

  it("mentions nobody and links nowhere, whatever the cloud said", () => {
    const { text } = messageOf(noticeOf({ says: "<!channel> & <https://evil.example|click>" }))
    expect(text).toContain("&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;")
  })

  it("stays short when the cloud does not", () => {
    const { text, says } = messageOf(noticeOf({ says: "x".repeat(60_000) }))
    expect(says).toHaveLength(1_500)
    expect(text.length).toBeLessThan(2_000)
    expect(text).toContain(`#2 ${HASH}`)
  })
})
