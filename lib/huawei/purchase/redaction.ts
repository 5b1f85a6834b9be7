import { cleanText } from "../../decision/inputs/foreign-text.ts"
import type { Credentials } from "../signature.ts"

const REDACTED = "[redacted]"
/** Shorter texts are no secrets, and to replace them would garble the answer. */
const MIN_SECRET_LENGTH = 4
/** From this length on, the beginning of a secret at the very end of a broken-off text is taken for one. */
const MIN_PREFIX_LENGTH = 8

/** The text without the secrets, as they are or escaped as in JSON and URLs; what the cloud echoes must not be kept. */
export function redact(text: string, secrets: readonly (string | null)[]): string {
  const forms = secrets.flatMap((secret) => (secret === null ? [] : writtenForms(secret)))
  const whole = forms
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, REDACTED), text)
  return forms.reduce(withoutPrefixAtEnd, whole)
}

/** One line for a sentence: no control characters, at most 300 characters. */
export function oneLine(text: string): string {
  return cleanText(text, 300)
}

function writtenForms(secret: string): string[] {
  if (secret.length < MIN_SECRET_LENGTH) return []
  const inJson = JSON.stringify(secret).slice(1, -1)
  return [...new Set([secret, inJson, inJson.replaceAll("/", "\\/"), encodeURIComponent(secret)])]
}

function withoutPrefixAtEnd(text: string, secret: string): string {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_PREFIX_LENGTH; length--) {
    if (text.endsWith(secret.slice(0, length))) return `${text.slice(0, -length)}${REDACTED}`
  }
  return text
}

export function secretsOf({ ak, sk, securityToken }: Credentials): (string | null)[] {
  return [ak, sk, securityToken]
}
