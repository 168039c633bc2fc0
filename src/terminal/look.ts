import { styleText } from "node:util";

import type { Io } from "./command.ts";
import type { Language } from "../core/text.ts";
import { padRight, widthOf, wrapped } from "./layout.ts";

/** How a person sees text. */
export interface Look {
  readonly lang: Language;
  readonly columns: number;
  readonly colours: boolean;
}

/** What stdout looks like to whoever reads it. */
export function lookAt(lang: Language, { columns, isTerminal, env }: Io): Look {
  return { lang, columns, colours: isTerminal && !env["NO_COLOR"] };
}

export type Style = "red" | "yellow" | "green" | "cyan" | "bold" | "reset";

/** Beyond it lines are hard to read. */
const WIDEST = 110;
const MARGIN = 10;

/** A word in the margin, and text beside it that keeps clear of it. */
export function labelled(label: string, style: Style, text: string, look: Look): readonly string[] {
  const width = Math.max(30, Math.min(look.columns, WIDEST) - MARGIN);
  return wrapped(text, width).map((line, i) => besideLabel(i === 0 ? label : "", style, line, look));
}

export function besideLabel(label: string, style: Style, line: string, look: Look): string {
  return styled(label, style, look) + padRight("", MARGIN - widthOf(label)) + line;
}

export function indented(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `  ${line}`);
}

export function styled(text: string, style: Style, { colours }: Look): string {
  return colours && text !== "" ? styleText(["bold", style], text, { validateStream: false }) : text;
}
