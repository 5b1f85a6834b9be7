/**
 * Attributes by name. A function is a listener of that event (`click`); `false` and `undefined` omit the
 * attribute.
 */
export type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>
type Child = Node | string | null

/** Creates an element. Texts become text nodes and are never parsed as HTML. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value)
    else if (value === true) element.setAttribute(name, "")
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children.filter((child) => child !== null))
  return element
}

/** Current value of a colour in the style sheet. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

export function isPhone(): boolean {
  return window.matchMedia("(max-width: 640px)").matches
}
