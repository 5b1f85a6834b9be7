"use strict"

// FunctionGraph's Node.js runtime as far as its documents say: it loads index.js from RUNTIME_CODE_ROOT and calls a handler with
// an event and a context. Invocations come as messages. It must itself run on old versions of Node.js.

const { join } = require("node:path")

process.once("disconnect", () => process.exit())
process.on("message", (text) => {
  void answer(JSON.parse(text)).then((said) => process.send(said))
})

async function answer({ handler, event, keys, leftMs }) {
  try {
    const code = require(join(process.env.RUNTIME_CODE_ROOT, "index.js"))
    // Over the wire and back, as the platform returns it.
    return { value: JSON.parse(JSON.stringify(await code[handler](event, new Context(keys, leftMs)))) }
  } catch (error) {
    return { error: { name: error.name, message: error.message } }
  }
}

class Context {
  constructor(keys, leftMs) {
    this.requestID = "7c307f6a-cf68-4e65-8be0-4c77405a1b2c"
    this.keys = keys
    this.endsAt = Date.now() + leftMs
  }

  getRequestID() {
    return this.requestID
  }
  getRemainingTimeInMilliSeconds() {
    return this.endsAt - Date.now()
  }
  getUserData(name) {
    return JSON.parse(process.env.RUNTIME_USERDATA)[name]
  }
  getFunctionName() {
    return process.env.RUNTIME_FUNC_NAME
  }
  getVersion() {
    return "latest"
  }
  getMemorySize() {
    return 512
  }
  // Discontinued: they return nothing usable.
  getAccessKey() {
    return ""
  }
  getSecretKey() {
    return ""
  }
  getSecurityAccessKey() {
    return this.keys.ak
  }
  getSecuritySecretKey() {
    return this.keys.sk
  }
  getSecurityToken() {
    return this.keys.securityToken
  }
}
