import { proveKinds } from "./enumerate.ts"
import { SETTLING } from "./kinds.ts"

proveKinds("settling", SETTLING)
