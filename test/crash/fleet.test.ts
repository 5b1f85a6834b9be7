import { proveKinds } from "./enumerate.ts"
import { FLEET } from "./kinds.ts"

proveKinds("fleet", FLEET)
