import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { parse } from "yaml"
import { ROOT } from "../packaging/built.ts"

const read = (name: string) => readFileSync(join(ROOT, "deploy/host", name), "utf8")

/** Longest stop with default settings, seconds: SUPERNODE_SEND_WITHIN + SUPERNODE_BUY_TIMEOUT + 30 s. */
const STOP_SECONDS = 120

describe("the kit for a host", () => {
  it("deploy/host gives systemd's service longer to stop than a purchase needs, and reloads by SIGHUP", () => {
    const unit = read("supernode-autoscaler.service")
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(STOP_SECONDS)
    expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
  })

  it("deploy/host hardens the service, but allows the executable memory that Node.js needs", () => {
    const unit = read("supernode-autoscaler.service")
    for (const line of [
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "CapabilityBoundingSet=",
      "DynamicUser=yes",
    ])
      expect(unit.split("\n")).toContain(line)
    expect(unit).not.toMatch(/^MemoryDenyWriteExecute=/m)
  })

  it("deploy/host connects compose's PostgreSQL on loopback only, and opens no port beyond this host", () => {
    const { services } = parse(read("compose.yaml"))
    const { hostname, searchParams } = new URL(services.autoscaler.environment.SUPERNODE_LEDGER)
    expect(services.autoscaler.network_mode).toBe("service:db")
    expect([hostname, searchParams.get("sslmode")]).toEqual(["127.0.0.1", "disable"])
    expect(services.db.command).toContain("listen_addresses=127.0.0.1")
    for (const port of services.db.ports) expect(port).toMatch(/^127\.0\.0\.1:/)
    expect(Number.parseInt(services.autoscaler.stop_grace_period, 10)).toBeGreaterThan(STOP_SECONDS)
  })

  it("deploy/host does not buy by default", () => {
    expect(read("env.example")).not.toMatch(/^SUPERNODE_MODE=live/m)
    expect(read("Dockerfile") + read("compose.yaml")).not.toContain("SUPERNODE_MODE")
  })
})
