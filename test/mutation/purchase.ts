/// <reference types="vite/client" />

// The purchase on the wire alone.

import.meta.glob("../huawei/purchase/*.test.ts", { eager: true })
