// Parts of reports that commands use. Commands import this file at run time only, since functions do not
// contain it.

export { reportOfLedger } from "./from-ledger.ts"
export { reportOfSimulation, SimulationRecording } from "./from-simulation.ts"
export { reportPage } from "./html.ts"
export { LedgerReader } from "./ledger-reader.ts"
export { LiveReport } from "./live-report.ts"
export { checkReportPath, writeReport } from "./report-file.ts"
