import type { Reading } from "../../decision/inputs/reading.ts"
import type { Rule } from "../../decision/policy/policy.ts"
import type { MetricQuestion } from "../../ports.ts"
import { Batch, type BatchOptions, type MeterKind, type SeriesAnswer, type Want } from "./batch.ts"

/** One kind of meter with the wants of one event. */
export interface Meter {
  /** One more reader will read or pass; see Batch. */
  join(): void
  pass(): void
  /** Readings of the rules that this meter is asked for, by rule name. */
  read(question: MetricQuestion, isAwaited: boolean): Promise<Map<string, Reading>>
}

/** What is particular about the rules of one kind of meter. */
export interface RuleKind<Source, RuleWant, Series, Answer> {
  /** The part of the rule that is about this meter; undefined where its evidence is another's. */
  source(rule: Rule): Source | undefined
  want(rule: Rule, source: Source, question: MetricQuestion): RuleWant | Promise<RuleWant>
  series(want: RuleWant): Want<Series>[]
  /** `told`: what came of each of the series, in their order. */
  reading(rule: string, want: RuleWant, told: readonly (readonly SeriesAnswer<Answer>[])[]): Reading
}

export function meterOf<Source, RuleWant, Series, Answer>(
  kind: MeterKind<Series, Answer>,
  rules: RuleKind<Source, RuleWant, Series, Answer>,
  options: BatchOptions,
): Meter {
  const batch = new Batch(kind, options)
  return {
    join: () => batch.join(),
    pass: () => batch.pass(),
    async read(question, isAwaited) {
      const own = question.policy.rules.flatMap((rule) => {
        const source = rules.source(rule)
        return source === undefined ? [] : [{ rule, source }]
      })
      if (own.length === 0) {
        if (isAwaited) batch.pass()
        return new Map()
      }
      const wanted = await Promise.all(
        own.map(async ({ rule, source }) => {
          const want = await rules.want(rule, source, question)
          return { rule: rule.name, want, series: rules.series(want) }
        }),
      )
      const told = await batch.collect(
        wanted.flatMap(({ series }) => series),
        isAwaited,
      )
      // They come in the order of the series: each rule takes as many as it asked for.
      let taken = 0
      return new Map(
        wanted.map(({ rule, want, series }) => {
          const own = told.slice(taken, taken + series.length)
          taken += series.length
          return [rule, rules.reading(rule, want, own)]
        }),
      )
    },
  }
}
