/** What our YAML is made of. An object cannot hold a key twice, so that no document of ours does. */
export type YamlNode = string | readonly YamlNode[] | YamlMapping;

export interface YamlMapping {
  readonly [key: string]: YamlNode;
}

/** Words that YAML 1.1, which cloud-init's reader speaks, takes for something else than text. */
const NO_TEXT = /^(y|n|yes|no|on|off|true|false|null|~)$/i;
const PLAIN = /^[A-Za-z/][\w./-]*( [\w./-]+)*$/;

/**
 * Block style, with a literal block for each text of several lines: a script reads as it runs. Every other scalar is text and quoted where it would
 * otherwise be anything else.
 *
 * @throws RangeError for a text that a literal block cannot hold.
 */
export function yamlOf(node: YamlMapping): string {
  return mapping(node, "");
}

function mapping(node: YamlMapping, indent: string): string {
  return Object.entries(node)
    .map(([key, value]) => `${indent}${scalar(key)}:${valueOf(value, indent)}`)
    .join("");
}

function valueOf(node: YamlNode, indent: string): string {
  if (typeof node === "string") return node.includes("\n") ? literal(node, indent) : ` ${scalar(node)}\n`;
  if (isList(node)) return `\n${node.map((item) => `${indent}-${itemOf(item, indent)}`).join("")}`;
  return `\n${mapping(node, `${indent}  `)}`;
}

/** A mapping begins beside the dash. */
function itemOf(node: YamlNode, indent: string): string {
  if (typeof node === "string" || isList(node)) return valueOf(node, indent);
  return ` ${mapping(node, `${indent}  `).trimStart()}`;
}

/** It ends with one newline. Its first line must not begin with a space, which would be taken for its indentation; that is one space, for a script of 300 lines. */
function literal(text: string, indent: string): string {
  if (!/^[^\s][^\t\0\r]*[^\s]\n$/u.test(text)) {
    throw new RangeError("a literal block begins and ends with text, and holds no tabs");
  }
  const lines = text.trimEnd().split("\n");
  return ` |\n${lines.map((line) => (line === "" ? "\n" : `${indent} ${line}\n`)).join("")}`;
}

function scalar(text: string): string {
  if (PLAIN.test(text) && !NO_TEXT.test(text)) return text;
  if (/^[ -~]*$/.test(text)) return `'${text.replaceAll("'", "''")}'`;
  return JSON.stringify(text);
}

function isList(node: YamlNode): node is readonly YamlNode[] {
  return Array.isArray(node);
}
