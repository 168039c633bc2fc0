/** The verdict, and the four numbers that matter. */
import { byId, element, setAttribute, setText } from "./dom.js";
import { counterText, formatDuration, formatNumber, formatTime, UNKNOWN } from "./format.js";

/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */
/** @typedef {"healthy" | "warning" | "critical" | "measuring" | "unknown" | "lost"} Shown */

/** @type {readonly string[]} */
const ICONS = ["healthy", "warning", "critical", "critical-inverse", "lost"];
const NUMBERS = /** @type {const} */ (["dropped", "squeezed", "processed", "backlog"]);

export class Banner {
  #box;
  /** All of them from the start: the one for a lost agent cannot be fetched once it is lost. */
  #icons = ICONS.map((name) =>
    element("img", { class: "verdict-icon", alt: "", src: `/assets/icon-${name}.svg` }),
  );
  #title = element("h2");
  #since = element("span", { class: "since" });
  #summary = element("p", { class: "summary" });
  #tiles;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
    this.#tiles = NUMBERS.map((name) => {
      const label = element("span", { class: "tile-label" });
      const value = element("b", { class: "tile-value" });
      const unit = element("span", { class: "tile-unit" });
      const tile = element("div", { class: "tile", "data-number": name }, [
        label,
        element("div", {}, [value, unit]),
      ]);
      return { name, tile, label, value, unit };
    });
    box.append(
      ...this.#icons,
      // Only the verdict itself is spoken when it changes; the numbers change each second.
      element("div", { class: "verdict-text", "aria-live": "polite" }, [
        element("div", { class: "verdict-head" }, [this.#title]),
        this.#summary,
      ]),
      element(
        "div",
        { class: "tiles" },
        this.#tiles.map(({ tile }) => tile),
      ),
    );
    this.#title.after(this.#since);
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {LiveDocument | undefined} live
   * @param {{ readonly t: Translate, readonly language: Language, readonly isLive: boolean, readonly isLost: boolean, readonly nowMs: number, readonly backlogLimit: number | undefined }} view
   */
  update(state, live, view) {
    const { t, language, isLive, backlogLimit } = view;
    /** @type {Shown} */
    const shown = view.isLost ? "lost" : !state ? "unknown" : live ? state.severity : "measuring";
    setAttribute(this.#box, "data-severity", shown);
    setAttribute(document.documentElement, "data-severity", shown);
    const icon = ICONS.find((name) => name === shown) ?? "lost";
    ICONS.forEach((name, i) => {
      const inBanner = icon === "critical" ? "critical-inverse" : icon;
      setAttribute(/** @type {Element} */ (this.#icons[i]), "hidden", name !== inBanner);
    });
    setText(this.#title, t(`severity.${shown}`));
    const sinceMs = shown === "lost" ? undefined : state?.severitySinceMs;
    setText(
      this.#since,
      sinceMs === undefined
        ? ""
        : t("since", { time: formatTime(sinceMs), duration: formatDuration(view.nowMs - sinceMs, language) }),
    );
    setText(this.#summary, summaryOf(shown, state, t, language));
    for (const { name, tile, label, value, unit } of this.#tiles) {
      const number = isLive && live ? numberOf(name, live) : undefined;
      setAttribute(tile, "hidden", isLive && number === undefined);
      setText(label, t(name === "backlog" ? "fullest" : name));
      setText(value, number === undefined ? UNKNOWN : formatNumber(number));
      setText(
        unit,
        name !== "backlog"
          ? t("perSecond")
          : backlogLimit === undefined
            ? ""
            : t("ofLimit", { limit: formatNumber(backlogLimit) }),
      );
      setAttribute(
        tile,
        "data-level",
        name === "dropped" && number !== undefined && number > 0 ? "loss" : undefined,
      );
    }
    setAttribute(byId("icon"), "href", `/assets/icon-${icon}.svg`);
    document.title = titleOf(shown, state, isLive ? live : undefined, t);
  }
}

/**
 * The limit of the backlog is each CPU's own, so it is the fullest CPU that counts.
 *
 * @param {(typeof NUMBERS)[number]} name
 * @param {LiveDocument} live
 */
function numberOf(name, live) {
  if (name !== "backlog") return live.host[name];
  return live.cpus.backlog?.reduce((most, each) => Math.max(most, each), 0);
}

/**
 * @param {Shown} shown
 * @param {StateDocument | undefined} state
 * @param {Translate} t
 * @param {Language} language
 */
function summaryOf(shown, state, t, language) {
  if (shown === "lost") return t("lostSummary");
  if (shown === "unknown" || !state) return t("waitingSummary");
  if (shown === "measuring") return t("measuringSummary");
  const first = state.findings[0];
  if (first) return first.summary[language];
  const note = state.elsewhere[0];
  if (!note) return t("healthySummary");
  return t("elsewhereSummary", {
    counter: counterText(note.counter, note.interface),
    rate: formatNumber(note.perSecond),
    means: note.means[language],
  });
}

/**
 * What a tab among many shows.
 *
 * @param {Shown} shown
 * @param {StateDocument | undefined} state
 * @param {LiveDocument | undefined} live
 * @param {Translate} t
 */
function titleOf(shown, state, live, t) {
  const host = state?.hostname ?? "softnet";
  if (live && live.host.dropped > 0) {
    return `▼ ${formatNumber(live.host.dropped)}${t("perSecond")} ${t("dropped")} · ${host}`;
  }
  return shown === "healthy" ? `${host} · softnet` : `${t(`severity.${shown}`)} · ${host} · softnet`;
}
