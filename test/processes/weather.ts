import type { Failure } from "../../lib/sandbox/failures.ts"
import type { SandboxApart } from "../sandbox/apart.ts"
import type { Random } from "../world/random.ts"

/** How purchases end, with weights; `null` is a success. */
const PURCHASES: readonly (readonly [number, Failure | null])[] = [
  [8, null],
  [2, { delayMs: 300 }],
  [2, { delayMs: 900 }],
  [1, { delayMs: 1_500 }],
  [2, { reset: "before-effect" }],
  [2, { reset: "after-effect" }],
  [1, { hang: "before-effect" }],
  [1, { hang: "after-effect" }],
  [1, { status: 500, code: "ModelArts.0010", message: "internal error" }],
  [1, { status: 503 }],
  [
    2,
    { applyButAnswer: { status: 500, body: { error_code: "ModelArts.0010", error_msg: "internal error" } } },
  ],
  [2, { applyButAnswer: { status: 400, body: { error_code: "ModelArts.9999", error_msg: "new here" } } }],
  [1, { applyButAnswer: { status: 504 } }],
  [1, { truncate: true }],
  [1, { notJson: true }],
  [1, { emptyBody: true }],
  [1, { throttle: 1 }],
  [1, { throttle: null }],
  [1, { status: 400, code: "ModelArts.6716", message: "sold out" }],
  [1, { status: 403, code: "ModelArts.5040", message: "quota" }],
]

const READS: readonly (readonly [number, Failure])[] = [
  [2, { status: 503 }],
  [2, { reset: "before-effect" }],
  [2, { delayMs: 200 }],
  [1, { throttle: 0 }],
  [1, { truncate: true }],
]

/** Makes the sandbox fail at random, on each call of `goOn`. */
export class Weather {
  readonly #sandbox: SandboxApart
  readonly #random: Random
  #purchasesSeen = -1

  constructor(sandbox: SandboxApart, random: Random) {
    this.#sandbox = sandbox
    this.#random = random
  }

  /**
   * To be called often. `posts`: number of purchases so far. Each new purchase changes how the next ones end.
   */
  async goOn(posts: number): Promise<void> {
    if (posts !== this.#purchasesSeen) {
      this.#purchasesSeen = posts
      await this.#sandbox.clearFailures()
      const failure = this.#random.weighted(PURCHASES)
      // For two purchases, since several supernodes buy at once.
      if (failure) await this.#sandbox.failNext("scale-up", failure, 2)
    }
    if (this.#random.chance(0.1))
      await this.#sandbox.failNext(
        this.#random.pick(["supernode", "offers", "metrics"]),
        this.#random.weighted(READS),
      )
  }

  async clear(): Promise<void> {
    await this.#sandbox.clearFailures()
  }
}
