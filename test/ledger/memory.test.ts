import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { describeLedgerContract } from "./contract.ts"

describeLedgerContract("memory", { open: async () => openMemoryStore(), absent: null })
