/** What a person chose on this browser. Where storage is forbidden, a choice lasts as long as the page. */

/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {"light" | "dark"} Theme */

/** @returns {Language} */
export function preferredLanguage() {
  const kept = read("language");
  if (kept === "en" || kept === "zh") return kept;
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** @param {Language} language */
export function keepLanguage(language) {
  write("language", language);
}

const prefersDark = matchMedia("(prefers-color-scheme: dark)");

/** @returns {Theme} */
export function preferredTheme() {
  const kept = read("theme");
  if (kept === "light" || kept === "dark") return kept;
  return prefersDark.matches ? "dark" : "light";
}

/**
 * A choice that is the system's anyway is forgotten, so that the page follows the system again.
 *
 * @param {Theme} theme
 */
export function keepTheme(theme) {
  write("theme", theme === (prefersDark.matches ? "dark" : "light") ? undefined : theme);
}

/** @param {() => void} listener */
export function onSystemThemeChange(listener) {
  prefersDark.addEventListener("change", listener);
}

/** @param {string} name */
function read(name) {
  try {
    return localStorage.getItem(`softnet.${name}`);
  } catch {
    return null;
  }
}

/** @param {string} name @param {string | undefined} value */
function write(name, value) {
  try {
    if (value === undefined) localStorage.removeItem(`softnet.${name}`);
    else localStorage.setItem(`softnet.${name}`, value);
  } catch {
    // Storage is forbidden or full: the choice is kept by whoever called.
  }
}
