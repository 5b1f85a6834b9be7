/** Attributes by name; a function is a listener (`click`), false and undefined leave the attribute out. */
export type Attributes = Record<string, string | number | boolean | undefined | ((event: Event) => void)>
type Child = Node | string | null

/** An element. Texts become text nodes: nothing here reads HTML. */
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

/** A colour of the style sheet as it is now. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim()
}

export function isPhone(): boolean {
  return window.matchMedia("(max-width: 640px)").matches
}
