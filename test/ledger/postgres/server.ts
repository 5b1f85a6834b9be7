import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as delay } from "node:timers/promises"
import pg from "pg"
import { freePort } from "../../world/loopback.ts"

/** The server refuses to run as root. */
const UNPRIVILEGED = 65_534
const identity = process.getuid?.() === 0 ? { uid: UNPRIVILEGED, gid: UNPRIVILEGED } : {}

/** Debian's folder of the server's programs; `null` if none is installed. */
export const SERVER_PROGRAMS = programs()

function programs(): string | null {
  const root = "/usr/lib/postgresql"
  if (!existsSync(root)) return null
  const newest = readdirSync(root)
    .sort((a, b) => Number(a) - Number(b))
    .at(-1)
  const folder = join(root, newest ?? "", "bin")
  return existsSync(join(folder, "postgres")) ? folder : null
}

/** A PostgreSQL server for one test: on loopback, with its own data folder, not as root. */
export class PostgresServer {
  readonly folder: string
  port = 0
  #child: ChildProcess | null = null
  #databases = 0

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "ledger-postgres-"))
    if (identity.uid !== undefined) chownSync(this.folder, identity.uid, identity.gid)
  }

  get data(): string {
    return join(this.folder, "data")
  }

  init(): void {
    run("initdb", ["-D", this.data, "-U", "ledger", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"])
  }

  /** Writes a file that only the server may read. */
  keep(name: string, text: string): void {
    const path = join(this.folder, name)
    writeFileSync(path, text, { mode: 0o600 })
    if (identity.uid !== undefined) chownSync(path, identity.uid, identity.gid)
  }

  /** Copies the data of `primary`; once started, this server follows it as a standby of this name. */
  copyOf(primary: PostgresServer, name: string): void {
    const from = `host=127.0.0.1 port=${primary.port} user=ledger application_name=${name}`
    run("pg_basebackup", ["-D", this.data, "-d", from, "-R", "-X", "stream", "-c", "fast", "-N"])
  }

  async start(settings: Record<string, string> = {}): Promise<void> {
    this.port ||= await freePort()
    const own = {
      port: String(this.port),
      listen_addresses: "127.0.0.1",
      unix_socket_directories: "",
      ...settings,
    }
    const options = Object.entries(own).flatMap(([key, value]) => ["-c", `${key}=${value}`])
    this.#child = spawn(join(SERVER_PROGRAMS ?? "", "postgres"), ["-D", this.data, ...options], {
      ...identity,
      stdio: "ignore",
      env: { PATH: process.env["PATH"], LC_ALL: "C" },
    })
    while ((await this.sql("select 1").catch(() => null)) === null) {
      if (this.#child.exitCode !== null) throw new Error(`postgres ended with ${this.#child.exitCode}`)
      await delay(50)
    }
  }

  /** Kills the server without a flush, as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    child.kill("SIGKILL")
    await once(child, "exit")
    // Its child processes end by themselves. The data folder can be used only after that.
    await delay(300)
  }

  async stop(): Promise<void> {
    const child = this.#child
    if (child !== null && child.exitCode === null && child.signalCode === null) {
      child.kill("SIGQUIT")
      await once(child, "exit")
    }
    rmSync(this.folder, { recursive: true, force: true })
  }

  async newDatabase(): Promise<string> {
    const name = `ledger_${++this.#databases}`
    await this.sql(`create database ${name}`)
    return name
  }

  urlOf(database: string, port = this.port): string {
    return `postgres://ledger@127.0.0.1:${port}/${database}?sslmode=disable`
  }

  async sql(text: string, database = "postgres"): Promise<Record<string, unknown>[]> {
    const place = { host: "127.0.0.1", port: this.port, user: "ledger", database }
    const client = new pg.Client({ ...place, connectionTimeoutMillis: 2_000, query_timeout: 20_000 })
    client.on("error", () => undefined)
    try {
      await client.connect()
      return (await client.query(text)).rows
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

/** Starts a pooler in transaction mode before the server; `null` if none is installed. */
export async function startPooler(
  server: PostgresServer,
): Promise<{ port: number; stop(): Promise<void> } | null> {
  const program = "/usr/sbin/pgbouncer"
  if (!existsSync(program)) return null
  const port = await freePort()
  const file = join(server.folder, "pgbouncer.ini")
  const settings = [
    "[databases]",
    `* = host=127.0.0.1 port=${server.port} user=ledger`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${port}`,
    "unix_socket_dir =",
    "auth_type = any",
    "pool_mode = transaction",
    "default_pool_size = 2",
  ]
  writeFileSync(file, settings.join("\n"))
  const child = spawn(program, [file], { ...identity, stdio: "ignore" })
  return {
    port,
    async stop() {
      if (child.exitCode !== null) return
      child.kill("SIGKILL")
      await once(child, "exit")
    },
  }
}

function run(program: string, args: string[]): void {
  const { status, stderr } = spawnSync(join(SERVER_PROGRAMS ?? "", program), args, {
    ...identity,
    encoding: "utf8",
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    cwd: "/",
  })
  if (status !== 0) throw new Error(`${program}: ${stderr}`)
}
