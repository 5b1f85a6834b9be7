import * as z from "zod"
import { didYouMean } from "./did-you-mean.ts"

/** Every warning of `validate` by its id, with its meaning; docs/lint.md explains each. */
export const WARNINGS = {
  "alarm-efficacy":
    "an `efficacy` setting with a rule on an alarm's own points: these rarely show the effect of a purchase",
  "approval-expires-soon": "an approval expires before a person can react and a tick can use it",
  "approval-never-asked": "no possible order costs enough to need approval",
  "approvers-without-keys": "an approver's name without a key proves nothing",
  "boundless-dimension":
    'a dimension "*" without a dimension that names the owner: the load of other owners counts',
  "cap-above-cap": "a cap that is never reached: another cap always applies first",
  "cooldown-below-warmup": "the cooldown ends before new servers' metrics count",
  "cron-both-days":
    "a cron expression restricts days of the month and days of the week: a match of either is enough",
  "few-approvers": "an approval needs all approvers, so none of them can request a purchase",
  "floor-always-met": "a schedule's floor is no higher than the smallest rung",
  "insecure-webhook": "a plain http webhook, to which nothing is sent",
  "long-unarmed": "a changed policy buys nothing for more than a week",
  "missing-buys": "missing data counts as breaching: an outage of the metrics buys servers",
  "names-differ-in-case": "two supernodes whose names differ only in case",
  "never-clears": "a rule with `repeat: false` that no value of its metric clears",
  "no-budget": "no budget caps the cost",
  "no-key-pair": "no key pair for new servers",
  "no-price": "a rung has no price: the policy's maximum cost is unknown",
  "nothing-to-buy": "the ladder and the limits allow no purchase at all",
  "only-alarms": "all evidence comes from alarms: no tick can replace a lost alarm",
  "price-not-rising": "a rung that costs no more than a smaller one: its order counts as free",
  "rate-beyond-ladder": "more purchases are allowed than the ladder has steps",
  "reversed-zone-sign": "an Etc/GMT zone, whose sign is the opposite of its name",
  "rule-always-fires": "every value of the metric breaches",
  "rule-never-fires": "no value of the metric and no alarm can make the rule propose a rung",
  "short-floor": "a floor that is so short that no tick may run during it",
  "single-point": "one point is enough to buy",
  "steps-beyond-ladder": "a step proposes more rungs than the ladder has",
  "threshold-beyond-unit": "a threshold outside the range of the metric's unit",
  "unknown-alarm-points": "an alarm's own points do not count as evidence, because no key names their metric",
  "unknown-currency": "a currency code that ISO 4217 does not list",
  "unpriced-rung": "a rung without a price, although a budget or an approval is set",
  "unreachable-rung": "a rung that a limit or a budget never allows",
  "unused-approvers": "approvers are listed, but no purchase needs approval",
  "unused-silence": "a silence that matches no warning",
} as const satisfies Record<string, string>

export type WarningId = keyof typeof WARNINGS

export const WARNING_IDS = Object.keys(WARNINGS).filter((id): id is WarningId => id in WARNINGS)

const warningId = () =>
  z.enum(WARNING_IDS, {
    error: ({ input }) => {
      if (typeof input !== "string") return "must be the id of a warning, as the command validate prints it"
      const near = didYouMean(input, WARNING_IDS)
      return near === null
        ? "is not the id of a warning; the command validate prints the ids"
        : `is not the id of a warning; did you mean ${near}?`
    },
  })

/** `silence`: warnings that the operator accepts, each with the reason. Not part of the policy. */
export const silenceSchema = z
  .array(
    z.lazy(() =>
      z.strictObject({
        warning: warningId(),
        reason: z
          .string({ error: "must be a reason in words" })
          .trim()
          .min(1, { error: "must be a reason in words" })
          .max(500, { error: "must be at most 500 characters" }),
      }),
    ),
    { error: "must be a list such as [ { warning: no-budget, reason: the contract has a cap } ]" },
  )
  .default([])
