import type { Approver } from "./approvers.ts"

/**
 * Approvers whose signatures can be verified. If there are any, commands that allow further purchases need a
 * signature.
 */
export function approversWithKeys(approvers: readonly Approver[]): (Approver & { key: string })[] {
  return approvers.flatMap(({ name, key }) => (key === undefined ? [] : [{ name, key }]))
}
