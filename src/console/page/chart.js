/** One graph: the host as an area, some CPUs as lines. Wraps uPlot, which nothing else of the page knows. */
import { element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { formatAxis, formatDay, formatMinute, formatMoment, formatNumber, formatTime } from "./format.js";

/** @typedef {import("uplot")} uPlot */
/** @typedef {import("../wire.ts").Value} Value */
/** @typedef {{ readonly cpu: number, readonly values: Value[], readonly colour: string }} Line */
/**
 * @typedef {{
 *   readonly timesMs: number[],
 *   readonly host: Value[],
 *   readonly lines: readonly Line[],
 *   readonly fromMs: number,
 *   readonly toMs: number,
 *   readonly stepMs: number,
 *   readonly leastHeight: number,
 *   readonly limit: number | undefined,
 * }} ChartData
 */
/**
 * @typedef {{
 *   readonly host: string,
 *   readonly cpu: (cpu: number) => string,
 *   readonly label: string,
 *   readonly limit: string,
 * }} ChartWords
 */

// It has no module of its own under a strict content security policy's eye; a plain script made it global.
/** @type {typeof import("uplot")} */
const UPlot = Reflect.get(globalThis, "uPlot");

/** Beyond these a person cannot tell lines apart. */
export const MOST_LINES = 10;

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

export class Chart {
  #box;
  #tip = element("div", { class: "tip", hidden: true });
  #empty = element("p", { class: "chart-empty", hidden: true });
  /** @type {uPlot} */
  #plot;
  /** @type {ChartData} */
  #data = {
    timesMs: [],
    host: [],
    lines: [],
    fromMs: 0,
    toMs: 1,
    stepMs: 0,
    leastHeight: 1,
    limit: undefined,
  };
  /** @type {ChartWords} */
  #words = { host: "", cpu: String, label: "", limit: "" };
  #area;

  /**
   * @param {HTMLElement} box
   * @param {string} area name of the CSS variable with the colour of the host's area
   */
  constructor(box, area) {
    this.#box = box;
    this.#area = area;
    setAttribute(box, "tabindex", 0);
    setAttribute(box, "role", "img");
    this.#plot = new UPlot(this.#options(), [[], []], box);
    box.append(this.#empty, this.#tip);
    box.addEventListener("keydown", (event) => this.#onKey(event));
    box.addEventListener("blur", () => this.#plot.setCursor({ left: -10, top: -10 }));
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  /**
   * @param {ChartData} data
   * @param {ChartWords} words
   * @param {string | undefined} emptyText shown in the middle when there is nothing to see
   */
  update(data, words, emptyText) {
    this.#data = data;
    this.#words = words;
    setAttribute(this.#box, "aria-label", words.label);
    setAttribute(this.#empty, "hidden", emptyText === undefined);
    setText(this.#empty, emptyText ?? "");
    const blank = data.timesMs.map(() => null);
    const lines = Array.from({ length: MOST_LINES }, (_, slot) => data.lines[slot]?.values ?? blank);
    this.#plot.setData([data.timesMs, data.host, ...lines]);
    this.#showTip(this.#plot);
  }

  /** Colours and sizes come from the style sheet; after a change of theme they are read anew. */
  restyle() {
    this.#plot.destroy();
    this.#plot = new UPlot(this.#options(), this.#plot.data, this.#box);
    this.#box.append(this.#empty, this.#tip);
  }

  /** @returns {uPlot.Options} */
  #options() {
    const colour = (/** @type {string} */ name) => getComputedStyle(this.#box).getPropertyValue(name).trim();
    const { width, height } = this.#size();
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
    const font = `${0.75 * rem}px ${getComputedStyle(this.#box).fontFamily}`;
    const grid = { stroke: colour("--grid"), width: 1 };
    const axis = { stroke: colour("--muted"), font, grid, ticks: { show: false } };
    const bars = UPlot.paths.stepped?.({ align: 1 });
    const straight = UPlot.paths.linear?.();
    /** @type {uPlot.Series} */
    const common = {
      spanGaps: false,
      // A point of a minute or more holds for its whole width; between two seconds nobody knows better than a line.
      paths: (u, seriesIndex, from, to) =>
        (this.#data.stepMs >= MINUTE_MS ? bars : straight)?.(u, seriesIndex, from, to) ?? null,
      points: { show: true, size: 4, filter: (u, seriesIndex) => lonePoints(u.data[seriesIndex] ?? []) },
    };
    return {
      width,
      height,
      ms: 1,
      legend: { show: false },
      // Half a label of the time axis fits beside the newest point.
      padding: [0.6 * rem, 2 * rem, 0, 0],
      cursor: {
        sync: { key: "softnet", setSeries: false },
        drag: { x: false, y: false },
        points: { size: 6 },
        y: false,
      },
      hooks: {
        setCursor: [(plot) => this.#showTip(plot)],
        draw: [(plot) => this.#drawLimit(plot, colour("--muted"), font)],
      },
      scales: {
        x: { time: true, range: () => [this.#data.fromMs, this.#data.toMs] },
        y: { range: (_plot, _least, most) => [0, Math.max(this.#data.leastHeight, (most ?? 0) * 1.08)] },
      },
      axes: [
        {
          ...axis,
          space: 5.5 * rem,
          size: 1.8 * rem,
          gap: 0.3 * rem,
          values: (_plot, splits) => splits.map((atMs) => timeLabel(atMs, this.#data)),
        },
        {
          ...axis,
          space: 2.2 * rem,
          size: 2.9 * rem,
          gap: 0.4 * rem,
          values: (_plot, splits) => splits.map(formatAxis),
        },
      ],
      series: [
        {},
        { ...common, stroke: colour(this.#area), fill: colour(`${this.#area}-fill`), width: 1 },
        ...Array.from({ length: MOST_LINES }, (_, slot) => ({
          ...common,
          width: 1.75,
          stroke: () => this.#data.lines[slot]?.colour ?? "transparent",
        })),
      ],
    };
  }

  #size() {
    return { width: this.#box.clientWidth, height: this.#box.clientHeight };
  }

  #fit() {
    const { width, height } = this.#size();
    if (width > 0 && (width !== this.#plot.width || height !== this.#plot.height)) {
      this.#plot.setSize({ width, height });
    }
  }

  /** @param {uPlot} plot */
  #showTip(plot) {
    const place = plot.cursor.idx;
    const left = plot.cursor.left ?? -1;
    const atMs = place === null || place === undefined ? undefined : this.#data.timesMs[place];
    const isShown = atMs !== undefined && left >= 0;
    setAttribute(this.#tip, "hidden", !isShown);
    if (!isShown || place === null || place === undefined) return;
    const { host, lines, stepMs } = this.#data;
    const rows = lines
      .map(({ cpu, values, colour }) => ({ cpu, colour, value: values[place] ?? null }))
      .filter(({ value }) => value !== null && value > 0)
      .toSorted((a, b) => (b.value ?? 0) - (a.value ?? 0));
    const time = formatMoment(atMs, stepMs);
    replaceWhenChanged(this.#tip, [time, host[place], rows, this.#words.host], () => [
      element("strong", {}, [time]),
      tipRow(`var(${this.#area})`, this.#words.host, host[place] ?? null),
      ...rows.map(({ cpu, colour, value }) => tipRow(colour, this.#words.cpu(cpu), value)),
    ]);
    const area = plot.over.getBoundingClientRect();
    const box = this.#box.getBoundingClientRect();
    const x = area.left - box.left + left;
    const isRight = left > area.width / 2;
    this.#tip.style.left = isRight ? "auto" : `${x + 12}px`;
    this.#tip.style.right = isRight ? `${box.width - x + 12}px` : "auto";
  }

  /**
   * A line at the limit, once the values come near it.
   *
   * @param {uPlot} plot
   * @param {string} colour
   * @param {string} font
   */
  #drawLimit(plot, colour, font) {
    const { limit } = this.#data;
    if (limit === undefined || limit > (plot.scales["y"]?.max ?? 0)) return;
    const { left, width } = plot.bbox;
    const y = Math.round(plot.valToPos(limit, "y", true)) + 0.5;
    const { ctx } = plot;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.font = font.replace(/^[\d.]+/, (size) => String(Number(size) * devicePixelRatio));
    ctx.textAlign = "left";
    ctx.textBaseline = "bottom";
    ctx.fillText(this.#words.limit, left + 6 * devicePixelRatio, y - 2 * devicePixelRatio);
    ctx.restore();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const points = this.#data.timesMs;
    if (step === undefined || points.length === 0) return;
    event.preventDefault();
    const from = this.#plot.cursor.idx ?? (step < 0 ? points.length : -1);
    const place = Math.min(points.length - 1, Math.max(0, from + step * (event.shiftKey ? 10 : 1)));
    const left = this.#plot.valToPos(points[place] ?? 0, "x");
    this.#plot.setCursor({ left, top: 0 });
    setAttribute(this.#box, "aria-label", this.#tip.innerText.replaceAll(/\s+/g, " "));
  }
}

/**
 * @param {string} colour
 * @param {string} name
 * @param {Value} value
 */
function tipRow(colour, name, value) {
  return element("div", { class: "tip-row" }, [
    swatch(colour),
    element("span", {}, [name]),
    element("b", {}, [formatNumber(value)]),
  ]);
}

/** @param {string} colour */
export function swatch(colour) {
  const node = element("i", { class: "swatch" });
  node.style.background = colour;
  return node;
}

/**
 * Points with a gap on both sides, which no line would show.
 *
 * @param {ArrayLike<number | null | undefined>} values
 */
function lonePoints(values) {
  const isKnown = (/** @type {number} */ i) => values[i] !== null && values[i] !== undefined;
  const lone = [];
  for (let i = 0; i < values.length; i++) if (isKnown(i) && !isKnown(i - 1) && !isKnown(i + 1)) lone.push(i);
  return lone;
}

/**
 * @param {number} atMs
 * @param {ChartData} data
 */
function timeLabel(atMs, { fromMs, toMs }) {
  const width = toMs - fromMs;
  if (width > 3 * DAY_MS) return formatDay(atMs);
  return width > 20 * MINUTE_MS ? formatMinute(atMs) : formatTime(atMs);
}
