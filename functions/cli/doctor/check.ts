/** One thing that `doctor` looked at. */
export interface Check {
  /** `settings`, `policy`, `ledger`, `keys`, `supernode`, `offers` or `rule NAME`. */
  what: string
  /** The supernode's name; null where it is about all of them. */
  supernode: string | null
  ok: boolean
  says: string
  /** What to do; empty where all is well. */
  todo: string[]
}

type Subject = Pick<Check, "what" | "supernode">

export function well(subject: Subject, says: string): Check {
  return { ...subject, ok: true, says, todo: [] }
}

export function ill(subject: Subject, says: string, ...todo: string[]): Check {
  return { ...subject, ok: false, says, todo }
}
