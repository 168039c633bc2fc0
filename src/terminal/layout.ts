/** How text takes its place on a terminal, where a Chinese character is two columns wide. */

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/;

/** Never at the beginning of a line. */
const CLOSING = "，。；：！？）、」』】》,.;:!?)";

/** Never at the end of one. */
const OPENING = "（「『【《([";

export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += WIDE.test(character) ? 2 : 1;
  return width;
}

export function padLeft(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

export function padRight(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

/** Breaks between words, and between Chinese characters. A word longer than the line has one of its own. */
export function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const piece of piecesOf(text)) {
    if (line !== "" && widthOf(line) + widthOf(piece.trimEnd()) > width) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += piece;
  }
  return [...lines, line.trimEnd()];
}

/** What no line's end may divide: a word with the space and the punctuation after it, or one wide character with these. */
function piecesOf(text: string): readonly string[] {
  const pieces: string[] = [];
  for (const character of text) {
    const last = pieces.at(-1);
    const begins =
      last === undefined ||
      (character !== " " &&
        !CLOSING.includes(character) &&
        !OPENING.includes(last.at(-1)!) &&
        (last.endsWith(" ") || WIDE.test(character) || WIDE.test(last.at(-1)!)));
    if (begins) pieces.push(character);
    else pieces[pieces.length - 1] = last + character;
  }
  return pieces;
}

/** Rows without the columns that are empty below their head, and without the last ones as far as the rest would be wider than that. */
export function narrowed(
  rows: readonly (readonly string[])[],
  width: number,
): readonly (readonly string[])[] {
  const [head, ...body] = rows;
  const told = head!.map((_, column) => column).filter((column) => body.some((row) => row[column] !== ""));
  const fitting = (count: number): readonly (readonly string[])[] => {
    const kept = rows.map((row) => told.slice(0, count).map((column) => row[column]!));
    const isTooWide = tableLines(kept).some((line) => widthOf(line) > width);
    return isTooWide && count > FEWEST_COLUMNS ? fitting(count - 1) : kept;
  };
  return fitting(told.length);
}

/** Fewer say nothing. */
const FEWEST_COLUMNS = 3;

/**
 * Columns as wide as their widest cell, two spaces apart.
 *
 * @param namesFirst the first column holds names, which go to the left; numbers go to the right.
 */
export function tableLines(
  rows: readonly (readonly string[])[],
  { namesFirst = false }: { readonly namesFirst?: boolean } = {},
): readonly string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => widthOf(row[column]!))));
  return rows.map((row) =>
    row
      .map((cell, column) => (namesFirst && column === 0 ? padRight : padLeft)(cell, widths[column]!))
      .join("  ")
      .trimEnd(),
  );
}
