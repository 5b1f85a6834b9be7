/** `record[key]` without inherited properties: a rule or a signal may be called "constructor". */
export function getOwn<T>(record: Record<string, T>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}
