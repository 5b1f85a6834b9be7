import { presentServers } from "../inputs/supernode.ts"
import { counted } from "../policy/amounts.ts"
import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"

/** The current rung; `at` is null if it is unknown. */
export interface Here {
  verdict: Verdict
  at: { index: number; servers: number } | null
}

/** The rung of the ladder with as many servers as the supernode has. */
export function findRung({ supernode, state, policy }: Situation): Here {
  if (supernode.state !== "read" || supernode.value.servers === null) {
    return { verdict: notEvaluated("the supernode's servers were not read"), at: null }
  }
  const seen = presentServers(supernode.value).length
  // Servers that are ordered but not complete count as present, so that no run orders them again.
  const servers = Math.max(seen, state.attempt?.to ?? 0)
  const index = rungWith(policy.ladder, servers)
  const facts = { seen, counted: servers, ladder: policy.ladder.map((rung) => rung.servers) }
  if (index < 0) {
    return {
      verdict: fail(
        "rung-unknown",
        `the supernode has ${counted(servers, "server")}; the rungs of the ladder have ${sayLadder(policy.ladder)}`,
        facts,
      ),
      at: null,
    }
  }
  return {
    verdict: pass(`${counted(servers, "server")}: ${policy.ladder[index]?.flavor}`, facts),
    at: { index, servers },
  }
}

export function rungWith(ladder: Rung[], servers: number): number {
  return ladder.findIndex((rung) => rung.servers === servers)
}

export function sayLadder(ladder: Rung[]): string {
  const sizes = ladder.map((rung) => rung.servers)
  return `${sizes.join(", ")} ${sizes.length === 1 && sizes[0] === 1 ? "server" : "servers"}`
}
