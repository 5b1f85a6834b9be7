import { createHash } from "node:crypto"
import { describe, expect, it } from "vitest"
import { good, load, problemsOf } from "./policy-files.ts"

const BOOT = "#!/bin/bash\necho user_test > /home/user.txt\n"
const withOrder = (line: string) =>
  good(["      key_pair_name: KeyPair-42c4\n", `      key_pair_name: KeyPair-42c4\n      ${line}\n`])
const sha256 = (content: string | Uint8Array) =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`

describe("userdata", () => {
  it("userdata is kept beside the policy as base64; the policy has only its digest and size", async () => {
    const [loaded] = (await load(withOrder("userdata_file: boot.sh"), { "boot.sh": BOOT })).supernodes
    expect(loaded?.userdata).toBe(Buffer.from(BOOT).toString("base64"))
    expect(loaded?.policy.order).toEqual({
      image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
      key_pair_name: "KeyPair-42c4",
      userdata: { sha256: sha256(BOOT), bytes: BOOT.length },
    })
  })

  it("userdata is encoded as in the example of the cloud's API page", async () => {
    const text = "#!/bin/bash\necho user_test > /home/user.txt"
    const [loaded] = (await load(withOrder(`userdata: ${JSON.stringify(text)}`))).supernodes
    expect(loaded?.userdata).toBe("IyEvYmluL2Jhc2gKZWNobyB1c2VyX3Rlc3QgPiAvaG9tZS91c2VyLnR4dA==")
  })

  it("userdata gives the same policy inline or from a file", async () => {
    const [inline] = (await load(withOrder(`userdata: ${JSON.stringify(BOOT)}`))).supernodes
    const [file] = (await load(withOrder("userdata_file: boot.sh"), { "boot.sh": BOOT })).supernodes
    expect(inline).toEqual(file)
  })

  it("the policy's hash changes when the content of the userdata file changes", async () => {
    const [before] = (await load(withOrder("userdata_file: boot.sh"), { "boot.sh": BOOT })).supernodes
    const [after] = (await load(withOrder("userdata_file: boot.sh"), { "boot.sh": `${BOOT}\n` })).supernodes
    expect(after?.hash).not.toBe(before?.hash)
  })

  it("userdata is kept byte by byte, even if it is not text", async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    const [loaded] = (await load(withOrder("userdata_file: blob"), { blob: bytes })).supernodes
    expect(loaded?.policy.order.userdata).toEqual({ sha256: sha256(bytes), bytes: 256 })
    expect(loaded?.userdata).toBe(Buffer.from(bytes).toString("base64"))
  })

  it("userdata is null if the policy has no userdata", async () => {
    const [loaded] = (await load(good())).supernodes
    expect(loaded?.userdata).toBeNull()
    expect(loaded?.policy.order.userdata).toBeUndefined()
  })

  it("a userdata file is looked for beside the file that names it", async () => {
    const included = withOrder("userdata_file: boot.sh").replace("version: 1\n", "")
    const [own] = (
      await load("version: 1\ninclude: [ more/a.yaml ]\n", { "more/a.yaml": included, "more/boot.sh": "own" })
    ).supernodes
    expect(own?.policy.order.userdata).toMatchObject({ sha256: sha256("own") })
    const byDefault =
      "version: 1\ninclude: [ more/a.yaml ]\ndefaults: { order: { userdata_file: boot.sh } }\n"
    const [main] = (
      await load(byDefault, { "more/a.yaml": good().replace("version: 1\n", ""), "boot.sh": "main" })
    ).supernodes
    expect(main?.policy.order.userdata).toMatchObject({ sha256: sha256("main") })
  })

  it("userdata may have exactly 32 KB", async () => {
    expect(await problemsOf(withOrder("userdata_file: boot.sh"), { "boot.sh": "x".repeat(32_768) })).toEqual(
      [],
    )
  })

  it.each<[string, string, Record<string, string>, string[]]>([
    [
      "over 32 KB in a file",
      "userdata_file: boot.sh",
      { "boot.sh": "x".repeat(32_769) },
      [
        "policy.yaml:18:22: supernodes.0.order.userdata_file: must be at most 32768 bytes (32 KB) before base64, not 32769",
      ],
    ],
    [
      "over 32 KB inline, counted in bytes",
      `userdata: ${"é".repeat(16_385)}`,
      {},
      [
        "policy.yaml:18:17: supernodes.0.order.userdata: must be at most 32768 bytes (32 KB) before base64, not 32770",
      ],
    ],
    [
      "in a file that does not exist",
      "userdata_file: boot.sh",
      {},
      ["policy.yaml:18:22: supernodes.0.order.userdata_file: cannot be read: boot.sh: no such file"],
    ],
    [
      "in a folder",
      "userdata_file: more",
      { "more/x": "" },
      ["policy.yaml:18:22: supernodes.0.order.userdata_file: must be a file: more is not a file"],
    ],
    [
      "in an empty file",
      "userdata_file: boot.sh",
      { "boot.sh": "" },
      ["policy.yaml:18:22: supernodes.0.order.userdata_file: must not be empty: omit the key instead"],
    ],
    ["empty", 'userdata: ""', {}, ["policy.yaml:18:17: supernodes.0.order.userdata: must not be empty"]],
    [
      "given as a digest",
      `userdata: { sha256: "sha256:${"0".repeat(64)}", bytes: 1 }`,
      {},
      ["policy.yaml:18:17: supernodes.0.order.userdata: must be text, not a mapping"],
    ],
    [
      "given both inline and as a file",
      "userdata: x\n      userdata_file: boot.sh",
      { "boot.sh": "x" },
      [
        "policy.yaml:19:22: supernodes.0.order.userdata_file: must not be used together with userdata: use one of the two",
      ],
    ],
  ])("userdata is refused if it is %s", async (_, line, others, lines) => {
    expect(await problemsOf(withOrder(line), others)).toEqual(lines)
  })
})
