/** Result of one check by `doctor`. */
export interface Check {
  /**
   * `settings`, `policy`, `ledger`, `cloud`, `keys`, `supernode`, `offers`, `orders`, `traces`, or a rule as
   * `rule NAME`.
   */
  what: string
  /** The supernode's name; `null` if the check concerns all of them. */
  supernode: string | null
  ok: boolean
  says: string
  /** Steps that solve the problem; empty if there is no problem, or if `says` is enough. */
  todo: string[]
}

type Subject = Pick<Check, "what" | "supernode">

export function passedCheck(subject: Subject, says: string): Check {
  return { ...subject, ok: true, says, todo: [] }
}

export function failedCheck(subject: Subject, says: string, ...todo: string[]): Check {
  return { ...subject, ok: false, says, todo }
}
