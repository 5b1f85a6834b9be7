import { h } from "./dom.ts"

const THEMES = ["auto", "light", "dark"] as const
type Theme = (typeof THEMES)[number]
const DARK = window.matchMedia("(prefers-color-scheme: dark)")
const KEY = "supernode-autoscaler-theme"

const listeners = new Set<() => void>()

/** Adds a listener that is called when colours change, by the switch or by the system. */
export function onTheme(listener: () => void): void {
  listeners.add(listener)
}

export function themeSwitch(): HTMLElement {
  apply(storedTheme())
  DARK.addEventListener("change", () => {
    apply(storedTheme())
    tellAll()
  })
  const buttons = THEMES.map((theme) =>
    h(
      "button",
      { type: "button", "aria-pressed": String(theme === storedTheme()), click: () => choose(theme) },
      theme,
    ),
  )
  const choose = (theme: Theme): void => {
    keep(theme)
    apply(theme)
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.textContent === theme))
    tellAll()
  }
  return h("div", { class: "theme", role: "group", "aria-label": "Colours" }, ...buttons)
}

function tellAll(): void {
  for (const listener of listeners) listener()
}

function apply(theme: Theme): void {
  document.documentElement.dataset["theme"] = theme === "auto" ? (DARK.matches ? "dark" : "light") : theme
}

/** A page from disk may have no storage; the choice then lasts as long as the page. */
let current: Theme = "auto"

function storedTheme(): Theme {
  try {
    return THEMES.find((theme) => theme === window.localStorage.getItem(KEY)) ?? current
  } catch {
    return current
  }
}

function keep(theme: Theme): void {
  current = theme
  try {
    window.localStorage.setItem(KEY, theme)
  } catch {
    // The choice then lasts as long as the page.
  }
}
