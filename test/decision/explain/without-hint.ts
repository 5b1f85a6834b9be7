/** Reasons without a hint, each with the cause. */
export const WITHOUT_HINT: Readonly<Record<string, string>> = {
  duplicate:
    "this very signal led to an attempt and never leads to another one; the next signal is decided anew",
  "policy-conflict": "its finding carries its own: how long it lasts depends on when the policy changed",
  "standing-full": "it is unknown how much must be forgotten, and when, until an entry fits again",
}
