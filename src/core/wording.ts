import type { Text } from "./text.ts";

/** `41,185`, `8.3`, `0.05`: as many digits as a person needs. */
export function countText(value: number): string {
  // Not toLocaleString: the agent words its verdicts too, and the tables that it loads take 8 MB.
  if (value >= 9.95) return String(Math.round(value)).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
  if (value >= 0.95 || value === 0) return String(Math.round(value * 10) / 10);
  return String(Number(value.toPrecision(1)));
}

/** A moment in ISO 8601 for people: to the second. */
export function momentText(iso: string): string {
  return iso.replace(/\.\d+Z$/, "Z");
}

export function percentText(value: number): Text {
  const rounded = Math.round(value);
  return { en: `${rounded} %`, zh: `${rounded}%` };
}

/** `CPU 1`, `CPUs 0-3,7`. */
export function cpusText(cpus: readonly number[]): Text {
  return { en: `${cpus.length === 1 ? "CPU" : "CPUs"} ${cpuListText(cpus)}`, zh: `CPU ${cpuListText(cpus)}` };
}

/** The kernel's list format, `0-3,7`, of ascending CPUs. */
export function cpuListText(cpus: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const cpu of cpus) {
    const range = ranges.at(-1);
    if (range && cpu === range.last + 1) range.last = cpu;
    else ranges.push({ first: cpu, last: cpu });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

/**
 * `eth0`, `eth0 and lo`; names stay as they are.
 *
 * @param andLast what has no name, after them.
 */
export function namesText(names: readonly string[], andLast?: Text): Text {
  return {
    en: listed([...names, ...(andLast ? [andLast.en] : [])], ", ", " and "),
    zh: listed([...names, ...(andLast ? [andLast.zh] : [])], "、", " 和"),
  };
}

function listed(names: readonly string[], comma: string, and: string): string {
  if (names.length < 2) return names.join("");
  const last = names.at(-1)!;
  // Latin names stand apart from Chinese words.
  const gap = and.endsWith(" ") || last.charCodeAt(0) > 127 ? "" : " ";
  return `${names.slice(0, -1).join(comma)}${and}${gap}${last}`;
}

/** `WHERE: expected THIS, got THAT`, as a complaint words it. */
export function complaintText(where: Text, expected: Text, got: Text): Text {
  return {
    en: `${where.en}: expected ${expected.en}, got ${got.en}`,
    zh: `${where.zh}：应为 ${expected.zh}，实际为 ${got.zh}`,
  };
}

/** Sentences one after the other, empty ones left out. Chinese takes no space between them. */
export function sentences(...texts: readonly (Text | undefined)[]): Text {
  const said = texts.filter((text) => text !== undefined);
  return { en: said.map(({ en }) => en).join(" "), zh: said.map(({ zh }) => zh).join("") };
}
