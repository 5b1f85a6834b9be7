import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { digest } from "../../lib/digest.ts"
import { historyOf, type LoadHistory } from "../../lib/simulate/load-file.ts"
import { LoadSeries } from "../../lib/simulate/load-series.ts"
import { type Simulation, simulate } from "../../lib/simulate/replay.ts"
import { DAY, MINUTE, NOW, policyOf, ruleInput, scheduleInput } from "../decision/builders.ts"
import { profiled } from "./fleet/profile.ts"
import { atLeast } from "./target.ts"

// `simulate` over a year of load by the minute, with a tick every 5 minutes: 525,601 rows and 105,121 ticks
// for each policy. Figures: ticks per second of processor time, including garbage collection and compilation;
// seconds for the whole year; resident memory of the process at the end. Targets: 20,000 ticks per second on
// one core; a year within 20 s on two.

const DAYS = Number(process.argv[2] ?? 365)

/** The load rises and falls daily, between 60 and 101. */
function loadOf(days: number): LoadHistory {
  const values = new LoadSeries()
  for (let at = NOW - days * DAY; at <= NOW; at += MINUTE) {
    const day = (at % DAY) / DAY
    values.add(at, 60 + 35 * Math.sin(2 * Math.PI * day) ** 2 + ((at / MINUTE) % 7))
  }
  return historyOf(new Map([[null, values]]))
}

const POLICIES: Readonly<Record<string, Policy>> = {
  "one rule": policyOf(),
  "two rules, a schedule, a budget and efficacy": policyOf(
    {
      rules: [ruleInput(), ruleInput({ name: "npu-hot", above: 95, clear: 70, repeat: false })],
      schedules: [scheduleInput({ cron: "0 8 * * 1-5", at_least: 2 })],
      limits: {
        actions: "2 per 24h",
        servers: 48,
        budget: { amount: 500_000, currency: "CNY", per: "month" },
      },
      efficacy: { purchases: 2, min_gain: 5 },
    },
    { timezone: "Asia/Shanghai" },
  ),
}

async function replay(policy: Policy, history: LoadHistory): Promise<Simulation> {
  return simulate({
    loaded: { policy, hash: digest(policy), userdata: null } as unknown as LoadedPolicy,
    history,
    servers: 1,
    provisioningMs: 10 * MINUTE,
    soldOut: [],
    failures: [],
    elastic: { ceiling: 100 },
  })
}

const history = loadOf(DAYS)
for (const [name, policy] of Object.entries(POLICIES)) {
  const [begin, used] = [performance.now(), process.cpuUsage()]
  const { ticks, purchases } = await profiled(() => replay(policy, history))
  const { user, system } = process.cpuUsage(used)
  const perSecond = Math.round((ticks * 1_000_000) / (user + system))
  const seconds = ((performance.now() - begin) / 1_000).toFixed(1)
  const mb = Math.round(process.memoryUsage.rss() / 1_000_000)
  console.log(
    `simulate, ${name}: ${ticks} ticks, ${perSecond} per second of processor time (${atLeast(perSecond, 20_000)}); ${seconds} s in all (target 20 s), ${mb} MB resident, ${purchases.length} purchases`,
  )
}
