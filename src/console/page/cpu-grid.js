/** A cell for every CPU: one bad CPU among hundreds is found at a glance. */
import { element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { formatNumber } from "./format.js";

/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("./series-model.js").SeriesModel} SeriesModel */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */

/** Per second, the same for every host, so that a colour always means the same. Fewer squeezes than ten harm nobody. */
const LEVELS = { dropped: [1e-9, 10, 1000], squeezed: [10, 100] };

export class CpuGrid {
  #title = element("h2");
  #summary = element("p", { class: "muted" });
  #cells = element("div", { class: "cells", role: "group" });
  #scale = element("p", { class: "scale" });
  #detail = element("p", { class: "detail" });
  /** @type {Map<number, HTMLButtonElement>} */
  #cellOf = new Map();
  /** @type {number | undefined} */
  #shown;
  #onPin;

  /**
   * @param {HTMLElement} box
   * @param {(cpu: number) => void} onPin
   */
  constructor(box, onPin) {
    this.#onPin = onPin;
    box.append(
      element("div", { class: "panel-head" }, [this.#title, this.#summary]),
      this.#cells,
      this.#detail,
      this.#scale,
    );
    this.#cells.addEventListener("keydown", (event) => this.#onKey(event));
    this.#cells.addEventListener("pointerleave", () => (this.#shown = undefined));
  }

  /**
   * @param {LiveDocument | undefined} live
   * @param {SeriesModel | undefined} model
   * @param {{
   *   readonly t: Translate,
   *   readonly range: import("../wire.ts").Range,
   *   readonly pinned: ReadonlySet<number>,
   *   readonly isLive: boolean,
   * }} view
   */
  update(live, model, view) {
    const { t, pinned, range } = view;
    setText(this.#title, t("grid.title"));
    setAttribute(this.#cells, "aria-label", t("grid.title"));
    const cpus = live?.cpus.cpu ?? [];
    this.#makeCells(cpus);
    let dropping = 0;
    let squeezing = 0;
    cpus.forEach((cpu, row) => {
      const cell = this.#cellOf.get(cpu);
      if (!cell) return;
      const peak = model?.peaks.get(cpu);
      const level = levelOf(peak);
      if (level.startsWith("dropped")) dropping++;
      if (level.startsWith("squeezed")) squeezing++;
      setAttribute(cell, "data-level", level);
      setAttribute(
        cell,
        "data-now",
        view.isLive && (live?.cpus.dropped[row] ?? 0) > 0 ? "dropping" : undefined,
      );
      setAttribute(cell, "aria-pressed", pinned.has(cpu) ? "true" : "false");
    });
    const counts = [
      dropping > 0 ? t("grid.dropping", { count: dropping }) : undefined,
      squeezing > 0 ? t("grid.squeezing", { count: squeezing }) : undefined,
    ].filter((text) => text !== undefined);
    const scope = t(`in.${range === "30d" ? "24h" : range}`);
    setText(this.#summary, `${counts.length > 0 ? counts.join(", ") : t("grid.none")} · ${scope}`);
    this.#showDetail(live, model, t);
    this.#showScale(t);
  }

  /** @param {readonly number[]} cpus */
  #makeCells(cpus) {
    if (cpus.length === this.#cellOf.size && cpus.every((cpu) => this.#cellOf.has(cpu))) return;
    const hadFocus = this.#cells.contains(document.activeElement);
    this.#cellOf = new Map(
      cpus.map((cpu, i) => [
        cpu,
        element("button", {
          type: "button",
          class: "cell",
          "data-level": "quiet",
          "data-cpu": cpu,
          "aria-label": `CPU ${cpu}`,
          // One stop for the tab key; arrows move within.
          tabindex: i === 0 ? 0 : -1,
          click: () => this.#onPin(cpu),
          pointerenter: () => (this.#shown = cpu),
          focus: () => (this.#shown = cpu),
        }),
      ]),
    );
    // A number in it only where there is room for one.
    if (cpus.length <= 64) for (const [cpu, cell] of this.#cellOf) cell.textContent = String(cpu);
    // A power of two in each row, so that neighbours (a core, a NUMA node) stand together.
    setAttribute(this.#cells, "data-per-row", cpus.length <= 64 ? 8 : cpus.length <= 256 ? 16 : 32);
    this.#cells.replaceChildren(...this.#cellOf.values());
    if (hadFocus) this.#cells.querySelector("button")?.focus();
  }

  /**
   * @param {LiveDocument | undefined} live
   * @param {SeriesModel | undefined} model
   * @param {Translate} t
   */
  #showDetail(live, model, t) {
    const cpu =
      this.#shown ??
      [...(model?.peaks.values() ?? [])].toSorted(
        (a, b) => b.dropped - a.dropped || b.squeezed - a.squeezed,
      )[0]?.cpu;
    const row = cpu === undefined ? -1 : (live?.cpus.cpu.indexOf(cpu) ?? -1);
    if (cpu === undefined || !live || row === -1) {
      setText(this.#detail, t("grid.pin"));
      return;
    }
    const peak = model?.peaks.get(cpu);
    const detail = t("grid.detail", {
      cpu,
      dropped: formatNumber(live.cpus.dropped[row]),
      squeezed: formatNumber(live.cpus.squeezed[row]),
      processed: formatNumber(live.cpus.processed[row]),
      peakDropped: formatNumber(peak?.dropped ?? 0),
      peakSqueezed: formatNumber(peak?.squeezed ?? 0),
    });
    setText(this.#detail, detail);
    const cell = this.#cellOf.get(cpu);
    if (cell && cell === document.activeElement) setAttribute(cell, "aria-label", detail);
  }

  /** @param {Translate} t */
  #showScale(t) {
    const key = (/** @type {string} */ level, /** @type {string} */ text) =>
      element("span", {}, [element("i", { class: "cell key", "data-level": level }), text]);
    const [, some, many] = LEVELS.dropped;
    const each = t("perSecond");
    const texts = [t("grid.quiet"), `${t("squeezed")} ≥${LEVELS.squeezed[0]}${each}`, t("dropped")];
    replaceWhenChanged(this.#scale, texts, () => [
      key("quiet", texts[0] ?? ""),
      key("squeezed-1", texts[1] ?? ""),
      key("dropped-1", texts[2] ?? ""),
      key("dropped-2", `≥${formatNumber(some)}`),
      key("dropped-3", `≥${formatNumber(many)}${each}`),
    ]);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const cells = [...this.#cellOf.values()];
    const at = cells.findIndex((cell) => cell === document.activeElement);
    if (at === -1) return;
    const row = Number(this.#cells.dataset["perRow"]);
    const step = {
      ArrowLeft: -1,
      ArrowRight: 1,
      ArrowUp: -row,
      ArrowDown: row,
      Home: -at,
      End: cells.length - 1 - at,
    }[event.key];
    const target = step === undefined ? undefined : cells[at + step];
    if (!target) return;
    event.preventDefault();
    setAttribute(/** @type {Element} */ (cells[at]), "tabindex", -1);
    setAttribute(target, "tabindex", 0);
    target.focus();
  }
}

/** @param {import("./series-model.js").Peak | undefined} peak */
function levelOf(peak) {
  for (const kind of /** @type {const} */ (["dropped", "squeezed"])) {
    const level = LEVELS[kind].filter((least) => (peak?.[kind] ?? 0) >= least).length;
    if (level > 0) return `${kind}-${level}`;
  }
  return "quiet";
}
