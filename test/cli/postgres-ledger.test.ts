import { createServer, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { closeServer, freePort, listenOnLoopback } from "../world/loopback.ts"
import { type CliFixture, cliFixture } from "./harness.ts"

// A ledger in PostgreSQL that cannot be used. Messages to operators name its location, never its password.

const PASSWORD = "hunter2"
/** A password with characters that a URL must escape. */
const ODD = "hunter2/@#?%&"
const HASH = `sha256:${"a".repeat(64)}`
const SAID = ["--by", "ann", "--why", "maintenance"]

const COMMANDS: string[][] = [
  ["status"],
  ["status", "--json"],
  ["doctor"],
  ["doctor", "--json"],
  ["validate"],
  ["dry-run", "train-a"],
  ["run", "--event", "test/events/functiongraph-smn-cloud-eye-alarm.json"],
  ["ledger", "init", ...SAID],
  ["ledger", "show"],
  ["ledger", "restored", ...SAID],
  ["ledger", "confirm", "train-a", ...SAID],
  ["pause", ...SAID],
  ["resume", "--by", "ann"],
  ["hold", "train-a", "--until", "2h", ...SAID],
  ["settle", "train-a", "--as", "absent", ...SAID],
  ["reset", "train-a", ...SAID],
  ["approve", HASH, "--by", "ann"],
  ["notify", "test"],
  ["audit", "list"],
  ["audit", "verify"],
  ["audit", "anchor"],
  ["audit", "export"],
  ["serve", "--port", "0"],
]
/** The ways in which commands open a ledger: to read it, to check it, and to make it. */
const FEW = [["status"], ["doctor", "--json"], ["ledger", "init", ...SAID]]

/**
 * Accepts the connection and then refuses every password, as PostgreSQL does. Keeps the passwords that it
 * received.
 */
class RefusingServer {
  readonly shown: string[] = []
  port = 0
  readonly #server = createServer((socket) => this.#talk(socket))

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server)
  }

  stop(): Promise<void> {
    return closeServer(this.#server)
  }

  #talk(socket: Socket): void {
    socket.on("error", () => undefined)
    socket.once("data", () => {
      socket.write(message("R", Buffer.from([0, 0, 0, 3])))
      socket.once("data", (bytes) => {
        this.shown.push(bytes.subarray(5, -1).toString("utf8"))
        const says = 'SFATAL\0C28P01\0Mpassword authentication failed for user "me"\0\0'
        socket.end(message("E", Buffer.from(says)))
      })
    })
  }
}

function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind)
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const server = new RefusingServer()
let closedPort: number
beforeAll(async () => {
  await server.start()
  closedPort = await freePort()
})
afterAll(() => server.stop())

type Shape = [name: string, env: () => Record<string, string>, says: RegExp, commands?: string[][]]

const at = (password: string, rest: string) => ({ SUPERNODE_LEDGER: `postgres://me${password}@${rest}` })
const here = () => `127.0.0.1:${server.port}/db?sslmode=disable`
const nowhere = () => `127.0.0.1:${closedPort}/db`

const SHAPES: Shape[] = [
  [
    "if the server refuses it, from the url",
    () => at(`:${PASSWORD}`, here()),
    /28P01.*authentication failed/,
    COMMANDS,
  ],
  [
    "if the server refuses it, from the url with escapes",
    () => at(`:${encodeURIComponent(ODD)}`, here()),
    /does not accept this user or password/,
  ],
  [
    "if the server refuses it, from PGPASSWORD",
    () => ({ ...at("", here()), PGPASSWORD: ODD }),
    /postgres:\/\/me@127\.0\.0\.1:\d+\/db\?sslmode=disable does not accept this user or password; check/,
  ],
  [
    "if the server cannot be reached",
    () => at(`:${PASSWORD}`, `${nowhere()}?sslmode=disable`),
    /cannot be reached \(ECONNREFUSED/,
  ],
  [
    "if the url's certificates cannot be read",
    () => at(`:${PASSWORD}`, `${nowhere()}?sslrootcert=/nowhere/ca.pem`),
    /sslrootcert cannot be read: ENOENT: no such file or directory, open '\/nowhere\/ca\.pem'/,
  ],
  [
    "if the url's certificate file has no certificates",
    () => at(`:${PASSWORD}`, `${nowhere()}?sslrootcert=package.json`),
    /sslrootcert \/\S+\/package\.json contains no PEM certificate/,
  ],
  [
    "if it is a parameter of the url",
    () => at("", `${nowhere()}?password=${PASSWORD}`),
    /only the parameters sslmode, sslrootcert/,
  ],
  ["if it contains a slash without escape", () => at(":hunter2/x", nowhere()), /is not a url/],
  ["if it contains a hash without escape", () => at(":hunter2#x", nowhere()), /is not a url/],
  [
    "if the url allows clear text over a network",
    () => at(`:${PASSWORD}`, "db.example.com/db?sslmode=disable"),
    /unencrypted/,
  ],
]

describe("the password of a ledger in PostgreSQL", () => {
  it.each(SHAPES)(
    "no command prints the password of a PostgreSQL ledger %s",
    async (_, env, says, commands = FEW) => {
      const own = cliFixture(undefined, { withoutLedger: true })
      const keys = { HUAWEICLOUD_SDK_AK: "AK", HUAWEICLOUD_SDK_SK: "SK" }
      Object.assign(own.env, keys, env())
      const printed: string[] = []
      for (const argv of commands) printed.push(await everythingOf(own, argv))
      for (const text of printed) expect(text).not.toMatch(/hunter2/)
      expect(printed[0]).toMatch(says)
    },
  )

  it("a PostgreSQL ledger's server receives the password from the url, or else from PGPASSWORD", () => {
    expect([...new Set(server.shown)].sort()).toEqual([PASSWORD, ODD])
  })

  it("no command prints the password of a PostgreSQL ledger that --ledger names", async () => {
    const own = cliFixture(undefined, { withoutLedger: true })
    const url = `postgres://me:${PASSWORD}@${here()}`
    const text = await everythingOf(own, ["--ledger", url, "status"])
    expect(text).toMatch(/28P01/)
    expect(text).not.toMatch(/hunter2/)
  })
})

async function everythingOf(own: CliFixture, argv: string[]): Promise<string> {
  const { code, out, err } = await own.runWith({ untilStopped: async () => undefined }, ...argv)
  // `serve` starts without its ledger, and says so.
  if (argv[0] !== "validate" && argv[0] !== "serve")
    expect([argv.join(" "), code]).not.toEqual([argv.join(" "), 0])
  return out + err
}
