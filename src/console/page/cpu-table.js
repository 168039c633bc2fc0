/** The numbers of every CPU, the worst first. */
import { element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { formatNumber, formatShare, UNKNOWN } from "./format.js";

/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("./series-model.js").SeriesModel} SeriesModel */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */
/**
 * @typedef {"cpu" | "processed" | "share" | "dropped" | "droppedPeak" | "squeezed" | "squeezedPeak" | "receivedRps" | "flowLimit" | "backlog" |
 *   "softirqPercent"} ColumnName
 */
/** @typedef {Record<ColumnName, number>} Row NaN is unknown */

/** @type {readonly ColumnName[]} */
const COLUMNS = [
  "cpu",
  "dropped",
  "droppedPeak",
  "squeezed",
  "squeezedPeak",
  "backlog",
  "softirqPercent",
  "processed",
  "share",
  "receivedRps",
  "flowLimit",
];

/** Fits a screen; a host of 1024 CPUs has more than anybody reads. */
const FEW = 16;

export class CpuTable {
  #title = element("h2");
  #more = element("button", { type: "button", class: "plain", hidden: true, click: () => this.#toggle() });
  #head = element("tr");
  #body = element("tbody");
  #foot = element("tr", { class: "sum" });
  #showsAll = false;
  /** Undefined is worst first. @type {{ column: ColumnName, descending: boolean } | undefined} */
  #sorting;
  /** @type {() => void} */
  #again = () => {};
  /** @type {Map<number, { row: HTMLTableRowElement, cells: Map<ColumnName, HTMLElement> }>} */
  #rowOf = new Map();

  /** @param {HTMLElement} box */
  constructor(box) {
    box.append(
      element("div", { class: "panel-head" }, [this.#title, this.#more]),
      element("div", { class: "scroll", tabindex: 0, role: "region" }, [
        element("table", { class: "cpus" }, [
          element("thead", {}, [this.#head]),
          this.#body,
          element("tfoot", {}, [this.#foot]),
        ]),
      ]),
    );
  }

  /**
   * @param {LiveDocument | undefined} live
   * @param {SeriesModel | undefined} model
   * @param {{ readonly t: Translate, readonly pinned: ReadonlySet<number>, readonly isLive: boolean, readonly onPin: (cpu: number) => void }} view
   */
  update(live, model, view) {
    this.#again = () => this.update(live, model, view);
    const { t } = view;
    setText(this.#title, t("table.title"));
    const region = this.#body.closest(".scroll");
    if (region) setAttribute(region, "aria-label", t("table.title"));
    const rows = live ? rowsOf(live, model) : [];
    const columns = COLUMNS.filter(
      (name) => rows.some((row) => !Number.isNaN(row[name])) || name === "dropped",
    );
    this.#showHead(columns, t);

    const sorted = rows.toSorted(this.#compare());
    const shown = this.#showsAll ? sorted : sorted.slice(0, FEW);
    setAttribute(this.#more, "hidden", rows.length <= FEW);
    setText(
      this.#more,
      this.#showsAll ? t("table.showWorst", { count: FEW }) : t("table.showAll", { count: rows.length }),
    );
    const kept = new Set(shown.map(({ cpu }) => cpu));
    for (const [cpu, { row }] of this.#rowOf) {
      if (kept.has(cpu)) continue;
      row.remove();
      this.#rowOf.delete(cpu);
    }
    shown.forEach((row, i) => {
      const node = this.#rowFor(row.cpu, columns, view);
      if (this.#body.children[i] !== node.row)
        this.#body.insertBefore(node.row, this.#body.children[i] ?? null);
      setAttribute(node.row, "data-dropping", view.isLive && row.dropped > 0);
      setAttribute(node.row, "data-pinned", view.pinned.has(row.cpu));
      for (const name of columns) {
        const cell = node.cells.get(name);
        if (!cell) continue;
        const value = view.isLive || name === "cpu" || name.endsWith("Peak") ? row[name] : Number.NaN;
        setText(name === "share" ? /** @type {Node} */ (cell.lastChild) : cell, formatCell(name, value));
        setAttribute(cell, "data-zero", value === 0);
        if (name === "share") shareBar(cell).style.width = `${Number.isNaN(value) ? 0 : value * 100}%`;
        if (name === "dropped" || name === "droppedPeak") setAttribute(cell, "data-loss", value > 0);
      }
    });
    this.#showFoot(live, rows, columns, view);
  }

  /**
   * @param {readonly ColumnName[]} columns
   * @param {Translate} t
   */
  #showHead(columns, t) {
    const sorting = this.#sorting ?? { column: undefined, descending: true };
    replaceWhenChanged(this.#head, [columns, sorting, t("table.processed")], () => {
      this.#rowOf.clear();
      this.#body.replaceChildren();
      return columns.map((name) => {
        const isSorted = sorting.column === name;
        const label = t(`table.${name}`);
        return element(
          "th",
          {
            scope: "col",
            "data-column": name,
            "aria-sort": isSorted ? (sorting.descending ? "descending" : "ascending") : "none",
          },
          [element("button", { type: "button", click: () => this.#sortBy(name) }, [label])],
        );
      });
    });
  }

  /**
   * @param {LiveDocument | undefined} live
   * @param {readonly Row[]} rows
   * @param {readonly ColumnName[]} columns
   * @param {{ readonly t: Translate, readonly isLive: boolean }} view
   */
  #showFoot(live, rows, columns, { t, isLive }) {
    const sums = columns.map((name) => {
      if (name === "cpu") return t("table.all");
      if (!live || !isLive || rows.length === 0) return "";
      const column = /** @type {Partial<Record<ColumnName, number>>} */ (live.host)[name];
      return column === undefined ? "" : formatNumber(column);
    });
    replaceWhenChanged(this.#foot, sums, () =>
      sums.map((text, i) => element(i === 0 ? "th" : "td", { "data-column": columns[i] ?? "" }, [text])),
    );
  }

  /**
   * @param {number} cpu
   * @param {readonly ColumnName[]} columns
   * @param {{ readonly onPin: (cpu: number) => void }} view
   */
  #rowFor(cpu, columns, view) {
    const known = this.#rowOf.get(cpu);
    if (known) return known;
    /** @type {Map<ColumnName, HTMLElement>} */
    const cells = new Map();
    const row = element("tr", { click: () => view.onPin(cpu) });
    for (const name of columns) {
      const cell = element(name === "cpu" ? "th" : "td", name === "cpu" ? { scope: "row" } : {});
      setAttribute(cell, "data-column", name);
      if (name === "share")
        cell.append(element("i", { class: "bar" }, [element("b")]), document.createTextNode(""));
      cells.set(name, cell);
      row.append(cell);
    }
    const made = { row, cells };
    this.#rowOf.set(cpu, made);
    return made;
  }

  /** @returns {(a: Row, b: Row) => number} */
  #compare() {
    const sorting = this.#sorting;
    // By peaks, so that rows do not jump about with each second.
    if (!sorting) {
      return (a, b) => b.droppedPeak - a.droppedPeak || b.squeezedPeak - a.squeezedPeak || a.cpu - b.cpu;
    }
    const sign = sorting.descending ? -1 : 1;
    return (a, b) => sign * (a[sorting.column] - b[sorting.column]) || a.cpu - b.cpu;
  }

  /** A third click on the same column goes back to worst first. @param {ColumnName} column */
  #sortBy(column) {
    const first = column !== "cpu";
    if (this.#sorting?.column !== column) this.#sorting = { column, descending: first };
    else if (this.#sorting.descending === first) this.#sorting = { column, descending: !first };
    else this.#sorting = undefined;
    this.#again();
  }

  #toggle() {
    this.#showsAll = !this.#showsAll;
    this.#again();
  }
}

/**
 * @param {LiveDocument} live
 * @param {SeriesModel | undefined} model
 * @returns {Row[]}
 */
function rowsOf({ cpus, host }, model) {
  return cpus.cpu.map((cpu, i) => {
    const peak = model?.peaks.get(cpu);
    const processed = cpus.processed[i] ?? Number.NaN;
    return {
      cpu,
      processed,
      share: host.processed > 0 ? processed / host.processed : 0,
      dropped: cpus.dropped[i] ?? Number.NaN,
      droppedPeak: peak?.dropped ?? 0,
      squeezed: cpus.squeezed[i] ?? Number.NaN,
      squeezedPeak: peak?.squeezed ?? 0,
      receivedRps: cpus.receivedRps?.[i] ?? Number.NaN,
      flowLimit: cpus.flowLimit?.[i] ?? Number.NaN,
      backlog: cpus.backlog?.[i] ?? Number.NaN,
      softirqPercent: cpus.softirqPercent?.[i] ?? Number.NaN,
    };
  });
}

/** @param {ColumnName} name @param {number} value */
function formatCell(name, value) {
  if (Number.isNaN(value)) return UNKNOWN;
  if (name === "cpu") return String(value);
  if (name === "share") return formatShare(value);
  return name === "softirqPercent" ? `${formatNumber(value)}%` : formatNumber(value);
}

/** @param {HTMLElement} cell @returns {HTMLElement} */
function shareBar(cell) {
  return /** @type {HTMLElement} */ (cell.querySelector("b"));
}
