export type Row = Readonly<Record<string, string>>;

/** The first column to the left, the others, which are numbers, to the right. Each row has the same keys, in the same order. */
export function tableOf(rows: readonly Row[]): string {
  const names = Object.keys(rows[0]!);
  const widths = names.map((name) => Math.max(name.length, ...rows.map((row) => row[name]!.length)));
  const lineOf = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("  ");
  return [
    names,
    widths.map((width) => "─".repeat(width)),
    ...rows.map((row) => names.map((name) => row[name]!)),
  ]
    .map(lineOf)
    .join("\n");
}
