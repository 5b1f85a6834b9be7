import type { Break } from "./bundle.ts"

/**
 * Each break violates one promise. `npm run soak -- --break NAME` detects most of them within a minute. It
 * detects an ignored pause only sometimes; the tests of crash points always do. A storm detects those that
 * need many deliveries at once.
 */
export const BREAKS = {
  "retries-the-purchase": {
    says: "sends a purchase again whose outcome is unknown",
    file: "lib/huawei/purchase/live-scale-up.ts",
    from: "return await buyOnce(order, deps, progress)\n",
    to: `const first = await buyOnce(order, deps, progress)
    return first.kind === "unknown" ? await buyOnce(order, deps, progress) : first\n`,
  },
  "sends-too-late": {
    says: "pauses for longer than a request may wait, and sends it without another look at the clock",
    file: "lib/huawei/purchase/live-scale-up.ts",
    from: "whyNotToSend: () => (timeLeftMs(order, clock) >= 0 ? null : tooLate(order, clock)),",
    to: `whyNotToSend: () => {
        if (Math.random() < 0.2) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_100)
        return null
      },`,
  },
  "takes-a-conflict-for-won": {
    says: "goes on to buy although another run's entry was appended",
    file: "lib/run/purchase.ts",
    from: '(await ports.ledger.append(opened)) === "conflict"',
    to: '(await ports.ledger.append(opened)) === "never"',
  },
  "forgets-what-is-open": {
    says: "takes an attempt that was never settled for none",
    file: "lib/decision/gates/in-flight.ts",
    from: "if (attempt) return fail(",
    to: 'if (attempt && attempt.state !== "open") return fail(',
  },
  "takes-unknown-for-nothing": {
    says: "releases an attempt whose outcome is unknown",
    file: "lib/decision/transitions/fold.ts",
    from: 'return { ...state, attempt: { ...attempt, state: "unknown", says } }',
    to: "return says ? release(state, attempt) : state",
  },
  "believes-any-refusal": {
    says: "takes a 4xx that is not listed for a refusal",
    file: "lib/huawei/purchase/rejections.ts",
    from: "?? null",
    to: '?? "state-conflict"',
  },
  "reserves-nothing": {
    says: "counts the money of an attempt when it is accepted, not when it is opened",
    file: "lib/decision/transitions/fold.ts",
    from: 'purchases: [...state.purchases, { attempt: id, at: openedAt, cost, state: "reserved" }],',
    to: "",
  },
  "ignores-a-pause": {
    says: "buys while everything is paused",
    file: "lib/decision/gates/in-flight.ts",
    from: "if (everything)\n",
    to: "if (everything === undefined)\n",
  },
} satisfies Record<string, Break>

/** The break of that name; `null` without a name. Throws RangeError on an unknown name. */
export function breakOf(name: string | undefined): Break | null {
  if (name === undefined) return null
  const known: Record<string, Break> = BREAKS
  const found = Object.hasOwn(known, name) ? known[name] : undefined
  if (!found) throw new RangeError(`--break: one of ${Object.keys(BREAKS).join(", ")}`)
  return found
}
