import fs from "node:fs"
import { promisify } from "node:util"

// Avoids node:fs/promises, which loads more modules than everything else that reads a policy at start.

export const readFile = promisify(fs.readFile)
export const stat = promisify(fs.stat)
