import { describe, expect, it } from "vitest"
import { FORMATS } from "../../lib/notify/formats.ts"
import { messageOf, textOf } from "../../lib/notify/message.ts"
import { HASH, noticeOf, STREAM } from "./notice.ts"

const signing = { secret: null, now: 0 }
const jsonOf = (notice: ReturnType<typeof noticeOf>) => FORMATS.json.body(messageOf(notice), signing)

describe("the message of a notification", () => {
  it("a notification has a text for Slack and similar services, and fields with the same facts", () => {
    expect(jsonOf(noticeOf())).toEqual({
      text: [
        "train-a: the outcome of a purchase is unknown",
        "the attempt has an unknown outcome: no response came",
        "To do: `supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO`",
        `On record: ${STREAM}#2 ${HASH}`,
      ].join("\n"),
      supernode: "train-a",
      mode: "live",
      state: "unknown",
      says: "the attempt has an unknown outcome: no response came",
      todo: "supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO",
      since: "2024-01-12T17:00:00.000Z",
      attempt: "attempt-1",
      orderId: "CS1",
      planHash: null,
      entry: { stream: STREAM, seq: 2, hash: HASH },
    })
  })

  it("a notification says if nothing is bought in the current mode", () => {
    expect(jsonOf(noticeOf({ mode: "observe", state: "approval-needed" }))["text"]).toMatch(
      /^train-a: a purchase needs approval \(observe: nothing is bought in this mode\)\n/,
    )
  })

  it("a notification escapes mentions and links in the text of the cloud", () => {
    const { text } = jsonOf(noticeOf({ says: "<!channel> & <https://evil.example|click>" }))
    expect(text).toContain("&lt;!channel&gt; &amp; &lt;https://evil.example|click&gt;")
  })

  it("a notification shortens a long text of the cloud", () => {
    const { text, says } = jsonOf(noticeOf({ says: "x".repeat(60_000) }))
    expect(says).toHaveLength(1_500)
    expect(String(text).length).toBeLessThan(2_000)
    expect(text).toContain(`#2 ${HASH}`)
  })

  it("a daily notification carries the ledger's heads as JSON, or says that the heads do not fit", () => {
    const heads = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`supernode:${i}`, { seq: i, hash: HASH }]),
    )
    const anchor = { v: 1 as const, ledger: "l1", at: "2024-01-12T17:00:00.000Z", heads }
    const message = messageOf(noticeOf({ state: "daily", anchor }))
    expect(JSON.parse(textOf(message, 100_000).split("\n").at(-1) ?? "")).toEqual(anchor)
    const short = textOf(message, 2_048)
    expect(Buffer.byteLength(short)).toBeLessThanOrEqual(2_048)
    expect(short).toContain("heads of 30 streams are too long for this format")
  })

  it("a notification contains no mention for Feishu, and has at most 2,048 bytes for WeCom", () => {
    const says = `<at user_id="all">all</at> ${"超".repeat(1_400)}`
    const message = messageOf(noticeOf({ says }))
    expect(JSON.stringify(FORMATS.feishu.body(message, signing))).not.toContain("<at")
    const { text } = FORMATS.wecom.body(message, signing) as { text: { content: string } }
    expect(Buffer.byteLength(text.content)).toBeLessThanOrEqual(2_048)
    expect(text.content).toMatch(/^\[supernode-autoscaler\] train-a: [^\ufffd]+…$/)
  })
})
