/** The four graphs, and which CPUs are drawn in which colour. */
import { Chart, MOST_LINES, swatch } from "./chart.js";
import { element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { formatMoment, formatNumber } from "./format.js";

/** @typedef {import("./series-model.js").SeriesModel} SeriesModel */
/** @typedef {import("./series-model.js").Column} Column */
/** @typedef {import("./texts.js").TextKey} TextKey */

/** As `WORST_CPUS` of the server: what is not sent cannot be drawn. */
const WORST = 6;

/** Distinct in both themes and for most colour-blind eyes; red and amber are kept for losses. */
const COLOURS = Array.from({ length: 12 }, (_, i) => `--line-${i + 1}`);

/** @type {readonly { readonly column: Column, readonly area: string, readonly isLoss: boolean }[]} */
const GRAPHS = [
  { column: "dropped", area: "--drop", isLoss: true },
  { column: "squeezed", area: "--squeeze", isLoss: true },
  { column: "processed", area: "--host", isLoss: false },
  { column: "backlog", area: "--host", isLoss: false },
];

/** An axis that always shows some height keeps one packet, or a backlog that is nearly empty, from filling the graph. */
const LEAST_HEIGHT = 8;
const LEAST_PART_OF_LIMIT = 0.2;

export class Charts {
  #figures;
  #colours = new ColourBook();

  /**
   * @param {HTMLElement} losses where the graphs of what is lost go
   * @param {HTMLElement} load where the others go
   */
  constructor(losses, load) {
    this.#figures = GRAPHS.map((graph) => {
      const title = element("h2");
      const facts = element("p", { class: "chart-facts" });
      const legend = element("div", { class: "legend" });
      const plot = element("div", { class: "plot" });
      const figure = element("figure", { class: "panel chart", "data-column": graph.column }, [
        element("figcaption", {}, [title, legend, facts]),
        plot,
      ]);
      (graph.isLoss ? losses : load).append(figure);
      return { ...graph, figure, title, facts, legend, chart: new Chart(plot, graph.area) };
    });
  }

  restyle() {
    for (const { chart } of this.#figures) chart.restyle();
  }

  /**
   * @param {SeriesModel | undefined} model undefined while it is being loaded
   * @param {{
   *   readonly t: ReturnType<typeof import("./texts.js").translator>,
   *   readonly range: import("../wire.ts").Range,
   *   readonly fromMs: number,
   *   readonly toMs: number,
   *   readonly pinned: ReadonlySet<number>,
   *   readonly onPin: (cpu: number) => void,
   *   readonly backlogLimit: number | undefined,
   * }} view
   */
  update(model, view) {
    const { t, pinned, backlogLimit } = view;
    const drawn = {
      dropped: model?.worst("dropped", WORST, pinned) ?? [],
      squeezed: model?.worst("squeezed", WORST, pinned) ?? [],
    };
    const both = [...new Set([...drawn.dropped, ...drawn.squeezed])];
    this.#colours.keepOnly(new Set(both));
    this.#figures.forEach(({ column, isLoss, figure, title, facts, legend, chart }) => {
      const isKept = isLoss || view.range === "now" || view.range === "1h";
      setAttribute(figure, "hidden", !isKept);
      setText(title, t(`chart.${column}`));
      if (!isKept) return;
      const cpus = column === "dropped" || column === "squeezed" ? drawn[column] : both;
      const lines = cpus.slice(0, MOST_LINES).map((cpu) => ({
        cpu,
        values: model?.lines.get(cpu)?.[column] ?? [],
        colour: this.#colours.of(cpu),
      }));
      const peak = model?.peakOf(column);
      const sum =
        column === "dropped" ? model?.droppedSum : column === "squeezed" ? model?.squeezedSum : undefined;
      const peakText =
        peak &&
        t(column === "backlog" ? "chart.peakGauge" : "chart.peak", {
          value: formatNumber(peak.value),
          time: formatMoment(peak.atMs, model?.stepMs ?? 0),
        });
      const sumText = sum ? t("chart.total", { count: formatNumber(sum) }) : undefined;
      setText(facts, [sumText, peakText].filter((text) => text !== undefined).join(" · "));
      setAttribute(figure, "data-quiet", !peak);
      replaceWhenChanged(
        legend,
        [lines.map(({ cpu, colour }) => [cpu, colour]), [...pinned], t("chart.host")],
        () =>
          lines.map(({ cpu, colour }) =>
            element(
              "button",
              {
                type: "button",
                class: "chip",
                "aria-pressed": pinned.has(cpu) ? "true" : "false",
                click: () => view.onPin(cpu),
              },
              [swatch(colour), t("cpu", { cpu })],
            ),
          ),
      );
      chart.update(
        {
          timesMs: model?.timesMs ?? [],
          host: model?.host[column] ?? [],
          lines,
          fromMs: view.fromMs,
          toMs: view.toMs,
          stepMs: model?.stepMs ?? 0,
          leastHeight:
            column === "backlog" && backlogLimit !== undefined
              ? Math.max(LEAST_HEIGHT, LEAST_PART_OF_LIMIT * backlogLimit)
              : LEAST_HEIGHT,
          limit: column === "backlog" ? backlogLimit : undefined,
        },
        {
          limit: t("chart.limit"),
          host: t("chart.host"),
          cpu: (cpu) => t("cpu", { cpu }),
          label: [
            t(`chart.${column}`),
            t(`in.${view.range}`),
            peakText ?? quietText(t, column),
            t("chart.keys"),
          ]
            .filter((text) => text !== undefined)
            .join(". "),
        },
        !model || model.timesMs.length === 0
          ? t("chart.nothingYet")
          : peak
            ? undefined
            : quietText(t, column),
      );
    });
  }
}

/**
 * @param {ReturnType<typeof import("./texts.js").translator>} t
 * @param {Column} column
 */
function quietText(t, column) {
  return column === "dropped" || column === "squeezed" ? t(`chart.none.${column}`) : undefined;
}

/** A CPU keeps its colour, in all graphs, for as long as it is drawn in one. */
class ColourBook {
  /** @type {Map<number, number>} */
  #slots = new Map();

  /** @param {ReadonlySet<number>} cpus */
  keepOnly(cpus) {
    for (const cpu of this.#slots.keys()) if (!cpus.has(cpu)) this.#slots.delete(cpu);
  }

  /** @param {number} cpu */
  of(cpu) {
    let slot = this.#slots.get(cpu);
    if (slot === undefined) {
      const taken = new Set(this.#slots.values());
      slot = 0;
      while (taken.has(slot)) slot++;
      this.#slots.set(cpu, slot);
    }
    const name = COLOURS[slot % COLOURS.length] ?? "";
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  }
}
