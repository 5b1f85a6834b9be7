import { cleanText } from "../../decision/inputs/foreign-text.ts"
import type { Credentials } from "../signature.ts"

const REDACTED = "[redacted]"
/** Shorter texts are not treated as secrets, since replacing them would garble the answer. */
const MIN_SECRET_LENGTH = 4
/** Minimum length of a secret's beginning that is redacted at the end of a (possibly truncated) text. */
const MIN_PREFIX_LENGTH = 8

/** Replaces secrets in a text, plain or escaped as in JSON and URLs, since the cloud may echo them. */
export function redact(text: string, secrets: readonly (string | null)[]): string {
  const forms = secrets.flatMap((secret) => (secret === null ? [] : writtenForms(secret)))
  const whole = forms
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, form) => rest.replaceAll(form, REDACTED), text)
  return forms.reduce(withoutPrefixAtEnd, whole)
}

/** The text as one line for a message: no control characters, at most 300 characters. */
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
