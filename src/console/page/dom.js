/** Small helpers to build the page. Text always goes in as text: what a host calls itself is never markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>} attributes
 *   a function is a listener for the event of that name; undefined and false leave the attribute out.
 * @param {readonly (Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else setAttribute(node, name, value);
  }
  node.append(...children);
  return node;
}

/**
 * @param {Element} node
 * @param {string} name
 * @param {string | number | boolean | undefined} value
 */
export function setAttribute(node, name, value) {
  const text = value === true ? "" : value === undefined || value === false ? null : String(value);
  // Writing what is there already would make the browser work, and a screen reader speak, each second.
  if (node.getAttribute(name) === text) return;
  if (text === null) node.removeAttribute(name);
  else node.setAttribute(name, text);
}

/**
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`No element ${id} in the page`);
  return node;
}

/**
 * Replaces the children only when `key` differs from the last time: what a person has selected or focused stays.
 *
 * @param {HTMLElement} node
 * @param {unknown} key
 * @param {() => readonly (Node | string)[]} children
 */
export function replaceWhenChanged(node, key, children) {
  const text = JSON.stringify(key);
  if (lastKey.get(node) === text) return;
  lastKey.set(node, text);
  node.replaceChildren(...children());
}

/** @type {WeakMap<Node, string>} */
const lastKey = new WeakMap();
