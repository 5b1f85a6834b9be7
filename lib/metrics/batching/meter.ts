import type { Reading } from "../../decision/inputs/reading.ts"
import type { Rule } from "../../decision/policy/policy.ts"
import type { MetricQuery } from "../../ports.ts"
import { Batch, type BatchTime } from "./batch.ts"
import type { ConcurrencyLimiter } from "./concurrency.ts"
import { type MeterKind, Requests, type SeriesAnswer, type Want } from "./requests.ts"

/** One kind of meter that the supernodes of one chunk query together. */
export interface Meter {
  /** True once its requests were sent: a supernode that joins now would be late. */
  isSent(): boolean
  join(): MeterMember
}

export interface MeterMember {
  /** Readings of the rules that use this meter, by rule name. */
  read(query: MetricQuery): Promise<Map<string, Reading>>
  leave(): void
}

/** Functions for the rules that use one kind of meter. */
export interface RuleKind<Source, RuleWant, Series, Data> {
  /** The rule's settings for this meter; `undefined` if the rule uses another one. */
  source(rule: Rule): Source | undefined
  want(rule: Rule, source: Source, query: MetricQuery): RuleWant | Promise<RuleWant>
  series(want: RuleWant): Want<Series>[]
  /** `answers`: the answers about each series, in the order of the series. */
  reading(rule: string, want: RuleWant, answers: readonly (readonly SeriesAnswer<Data>[])[]): Reading
}

export interface ChunkOptions extends BatchTime {
  /** Shared by all chunks of an event. */
  limited: ConcurrencyLimiter
}

export function meterOf<Source, RuleWant, Series, Data>(
  kind: MeterKind<Series, Data>,
  rules: RuleKind<Source, RuleWant, Series, Data>,
  { limited, ...time }: ChunkOptions,
): Meter {
  const batch = new Batch(new Requests(kind, limited), time)
  const wantsOf = (query: MetricQuery) =>
    Promise.all(
      query.policy.rules.flatMap((rule) => {
        const source = rules.source(rule)
        if (source === undefined) return []
        return [(async () => ({ rule: rule.name, want: await rules.want(rule, source, query) }))()]
      }),
    )
  return {
    isSent: () => batch.isSent,
    join() {
      const member = batch.join()
      return {
        leave: member.leave,
        async read(query) {
          try {
            const ruleWants = await wantsOf(query)
            if (ruleWants.length === 0) return new Map()
            const queries = ruleWants.map((one) => ({ ...one, series: rules.series(one.want) }))
            const answers = await member.ask(queries.flatMap(({ series }) => series))
            // Answers have the order of the series: each rule takes those of its own series.
            return new Map(
              queries.map(({ rule, want, series }) => [
                rule,
                rules.reading(rule, want, answers.splice(0, series.length)),
              ]),
            )
          } finally {
            member.leave()
          }
        },
      }
    },
  }
}
