/** Version and digest of the program's sources and packages. `root`: the project's folder. */
export function programId(root: string): string
