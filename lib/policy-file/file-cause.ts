/** Readable cause of a file error, such as `no such file`. Other causes keep their system code. */
export function causeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
  const words: Record<string, string> = {
    ENOENT: "no such file",
    EACCES: "permission denied",
    ENOTDIR: "no such file",
    EISDIR: "it is a directory",
  }
  return words[code] ?? code
}
