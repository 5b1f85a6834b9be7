import { proveKinds } from "./enumerate.ts"
import { BUYING } from "./kinds.ts"

proveKinds("buying", BUYING)
