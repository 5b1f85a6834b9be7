/** Placeholders that an operator replaces in a printed command; the command line refuses them unchanged. */
export const PLACEHOLDERS = ["WHO", "TEXT"] as const

const PROGRAM = "supernode-autoscaler"
const WHO_AND_WHY = "--why TEXT --by WHO"

/**
 * Command lines in messages, hints and notifications, complete except for the placeholders. All are made
 * here, so that one test can check each of them with the command line's parser.
 */
export const operatorCommand = {
  doctor: (name: string) => `${PROGRAM} doctor ${name}`,
  doctorAll: `${PROGRAM} doctor`,
  status: (name: string) => `${PROGRAM} status ${name}`,
  statusAll: `${PROGRAM} status`,
  validate: `${PROGRAM} validate`,
  dryRun: (name: string) => `${PROGRAM} dry-run ${name}`,
  planFile: (name: string) => `${PROGRAM} dry-run ${name} ${WHO_AND_WHY} --out plan.json`,
  apply: (planFile: string) => `${PROGRAM} apply ${planFile}`,
  approve: (planHash: string) => `${PROGRAM} approve ${planHash} --by WHO`,
  pauseAll: `${PROGRAM} pause ${WHO_AND_WHY}`,
  /** `null` ends the pause of all supernodes. */
  resume: (name: string | null) => `${PROGRAM} resume${name === null ? "" : ` ${name}`} --by WHO`,
  endHold: (name: string) => `${PROGRAM} hold ${name} --until now ${WHO_AND_WHY}`,
  /** `as`: the outcomes to choose from. */
  settle: (name: string, as: readonly ("accepted" | "completed" | "absent")[]) =>
    `${PROGRAM} settle ${name} --as ${as.join("|")} ${WHO_AND_WHY}`,
  ledgerShow: `${PROGRAM} ledger show`,
  ledgerInit: `${PROGRAM} ledger init ${WHO_AND_WHY}`,
  ledgerRestored: `${PROGRAM} ledger restored ${WHO_AND_WHY}`,
  ledgerConfirm: (name: string) => `${PROGRAM} ledger confirm ${name} ${WHO_AND_WHY}`,
  auditAnchor: `${PROGRAM} audit anchor`,
  auditReport: `${PROGRAM} audit report report.html`,
  auditVerify: `${PROGRAM} audit verify`,
  auditShow: (stream: string, seq: number) => `${PROGRAM} audit show ${stream} ${seq}`,
  reset: (name: string) => `${PROGRAM} reset ${name} ${WHO_AND_WHY}`,
}

/** Every outcome that an operator can settle an attempt as. */
export const SETTLEMENTS = ["accepted", "completed", "absent"] as const
