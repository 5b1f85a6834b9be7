import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decide, GATES } from "../../lib/decision/decide.ts"
import type { Decision } from "../../lib/decision/decision.ts"
import { highIsBad } from "../../lib/decision/policy/threshold.ts"
import { canonicalText, digest } from "../../lib/digest.ts"
import { NOW, offersOf, read, situationOf, supernodeOf } from "../decision/builders.ts"
import { PROPERTY_TIMEOUT_MS, propertyRuns } from "./runs.ts"
import { type Load, loads, policies, readingsOf, situations } from "./situations.ts"

describe("every decision", () => {
  it("a decision buys exactly if all of its gates passed, and otherwise holds with the reason of the first failed gate", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(situations, (situation) => {
        const { kind, heldBy, findings, target } = decide(situation, digest)
        expect(findings.map(({ gate }) => gate)).toEqual(GATES.map(({ id }) => id))
        const isYes = findings.every(({ passed }) => passed === true)
        expect(kind).toBe(isYes ? "scale-up" : "hold")
        expect(heldBy).toBe(findings.find(({ passed }) => passed === false)?.reason ?? null)
        if (isYes) expect(target).not.toBeNull()
        for (const { passed, reason, says } of findings) {
          expect(reason === null).toBe(passed !== false)
          expect(says).not.toBe("")
        }
      }),
      propertyRuns(400),
    )
  })

  it("a decision on an equal situation is equal to the byte, even if the situation was converted to JSON and back", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(situations, (situation) => {
        // A signal without a readable time is refused before a ledger ever sees it.
        fc.pre(Number.isFinite(situation.signal.at))
        const decided = canonicalText(decide(situation, digest))
        expect(canonicalText(decide(situation, digest))).toBe(decided)
        const { readings } = situation
        const areFinite =
          readings.state !== "read" ||
          readings.value.every(({ series }) =>
            series.every(({ points }) => points.every(({ value }) => Number.isFinite(value))),
          )
        if (areFinite)
          expect(canonicalText(decide(JSON.parse(canonicalText(situation)), digest))).toBe(decided)
      }),
      propertyRuns(300),
    )
  })
})

describe("a higher metric", () => {
  /** The wanted and available rung, as total servers; the current number if none. */
  const rungOf = ({ target }: Decision): number => target?.to ?? 2

  const raises = fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 36, maxLength: 36 })

  it("a higher metric never lowers the rung, whatever the rules, the steps, the limit and the sold-out flavors", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(policies, loads, raises, fc.subarray([4, 8, 16, 32]), (policy, load, raise, soldOut) => {
        const at = (measured: Load) =>
          decide(
            situationOf({
              policy,
              supernode: read(supernodeOf()),
              offers: read(
                offersOf(...policy.ladder.map(({ flavor }) => flavor)).map((offer) => ({
                  ...offer,
                  soldOut: soldOut.some((count) => offer.flavor === `rung-${count}`),
                })),
              ),
              readings: read(readingsOf(policy, measured, ["s1", "s2"])),
              now: NOW,
            }),
            digest,
          )
        const worse: Load = load.map((periods, r) =>
          periods.map((servers, i) =>
            servers.map((value, s) => {
              const rule = policy.rules[r]
              if (value === null || rule === undefined || !Number.isFinite(value)) return value
              const more = raise[r * 12 + i * 3 + s] ?? 0
              return highIsBad(rule) ? value + more : value - more
            }),
          ),
        )
        expect(rungOf(at(worse))).toBeGreaterThanOrEqual(rungOf(at(load)))
      }),
      propertyRuns(400),
    )
  })
})
