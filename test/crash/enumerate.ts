import { afterAll, describe, expect, it } from "vitest"
import { faultName, faultsAt, isRead } from "./faults.ts"
import { play, traceOf } from "./history.ts"
import type { FollowUpName, Kind } from "./kinds.ts"
import { POINTS, type Proof } from "./points.ts"

/**
 * Breaks every I/O of these kinds of run in every way, and continues after each. `proof`: the points that
 * must all occur here.
 */
export function proveKinds(proof: Proof, kinds: Kind[]): void {
  const tally = { places: 0, faults: 0, histories: 0, mostPosts: 0 }
  const broken = new Map<string, Set<string>>()
  const named = kinds.map((kind) => [kind.name, kind] as const)

  async function breakAt(kind: Kind, at: number, point: string): Promise<string[]> {
    const failures: string[] = []
    for (const [i, fault] of faultsAt(point).entries()) {
      broken.set(point, (broken.get(point) ?? new Set()).add(faultName(fault)))
      for (const followUp of followUpsOf(kind, point, at + i)) {
        const { violations, mostPosts } = await play(kind, { at, fault }, followUp)
        tally.histories += 1
        tally.mostPosts = Math.max(tally.mostPosts, mostPosts)
        if (violations.length > 0)
          failures.push(
            `${point} (I/O ${at}) ${faultName(fault)}, then ${followUp}: ${violations.join("; ")}`,
          )
      }
      tally.faults += 1
    }
    return failures
  }

  describe("any fault at any I/O: one POST per attempt, one attempt at a time, and no loss", () => {
    it.each(named)(
      "whichever I/O of a run fails, no second POST, no second open attempt and no loss follows: %s",
      async (_name, kind) => {
        const failures: string[] = []
        for (const [at, point] of (await traceOf(kind)).entries()) {
          if (kind.fleet && !kind.fleet.breaks.test(point)) continue
          if (kind.breaks && !kind.breaks.test(point)) continue
          tally.places += 1
          failures.push(...(await breakAt(kind, at, point)))
        }
        expect(failures).toEqual([])
      },
    )

    it("the crash tests reach every I/O that they must break, and test all faults of each I/O", () => {
      const points = Object.keys(POINTS).filter((point) => POINTS[point as keyof typeof POINTS] === proof)
      const seen = points.map((point) => [point, [...(broken.get(point) ?? [])]])
      expect(seen).toEqual(points.map((point) => [point, faultsAt(point).map(faultName)]))
    })
  })

  describe("runs without any fault", () => {
    it.each(named)(
      "a run without a fault makes exactly the purchases that the policy allows: %s",
      async (_name, kind) => {
        for (const followUp of kind.followUps) {
          const { violations, taken } = await play(kind, null, followUp)
          expect([followUp, violations, taken]).toEqual([followUp, [], kind.fleet?.allowed ?? 2])
        }
      },
    )
  })

  afterAll(() => {
    const { places, faults, histories, mostPosts } = tally
    console.log(
      `crash points, ${proof}: ${broken.size} points at ${places} places of ${kinds.length} kinds of run; ${faults} faults, ` +
        `${histories} histories with what followed; POSTs per attempt at most ${mostPosts}`,
    )
  })
}

/** A write is followed by each follow-up. A read has no effect, so its follow-ups alternate. */
function followUpsOf({ followUps }: Kind, point: string, turn: number): FollowUpName[] {
  return isRead(point) ? followUps.filter((_, i) => turn % followUps.length === i) : followUps
}
