import fs from "node:fs"
import { promisify } from "node:util"

// Not node:fs/promises, which loads more modules than all else that a start reads a policy with.

export const readFile = promisify(fs.readFile)
export const stat = promisify(fs.stat)
