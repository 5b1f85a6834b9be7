// SSH encoding (RFC 4251 section 5), as far as keys and signatures use it. The bytes are untrusted: every
// length is checked before it is used, and every value has only one valid form.

/** Bytes that are not in the expected form. */
export class WireError extends Error {
  override readonly name = "WireError"
}

/** Reads fields in order. Throws WireError. */
export class WireReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  bytes(length: number): Buffer {
    const end = this.#at + length
    if (end > this.#bytes.length) throw new WireError("it ends too early")
    const part = this.#bytes.subarray(this.#at, end)
    this.#at = end
    return part
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE()
  }

  /** A `string`: four bytes of length, then that many bytes. */
  string(): Buffer {
    return this.bytes(this.uint32())
  }

  /** A `string` that must be printable ASCII of at most 64 characters, such as the name of an algorithm. */
  name(): string {
    const text = this.string().toString("latin1")
    if (!/^[\x21-\x7e]{0,64}$/.test(text)) throw new WireError("a name in it is not plain text")
    return text
  }

  /** An `mpint` above zero, without its sign byte. */
  positive(): Buffer {
    const bytes = this.string()
    const [first = 0, second = 0] = bytes
    if (bytes.length === 0 || first >= 0x80) throw new WireError("a number in it is not positive")
    if (first === 0 && second < 0x80) throw new WireError("a number in it is not in its shortest form")
    return first === 0 ? bytes.subarray(1) : bytes
  }

  /** Throws if bytes are left. */
  end(): void {
    if (this.#at !== this.#bytes.length) throw new WireError("there are more bytes after its end")
  }
}

/** Encodes bytes as a `string`. */
export function wireString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** Base64 in its one standard form. Throws WireError. */
export function strictBase64(text: string): Buffer {
  const bytes = Buffer.from(text, "base64")
  if (bytes.toString("base64") !== text) throw new WireError("its base64 is not in the standard form")
  return bytes
}
