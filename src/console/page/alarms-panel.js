/** The rules, and which of them are alarms now. */
import { element, replaceWhenChanged, setAttribute } from "./dom.js";
import { formatDay, formatTime } from "./format.js";

/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */

const DAY_MS = 86_400_000;

export class AlarmsPanel {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {{ readonly t: Translate, readonly language: Language, readonly nowMs: number }} view
   */
  update(state, { t, language, nowMs }) {
    const alarms = state?.alarms;
    setAttribute(this.#box, "hidden", alarms === undefined);
    if (!alarms) return;
    const today = Math.floor(nowMs / DAY_MS);
    const isTold = state.agent.webhook !== undefined || state.agent.sink.kind === "cloudmonitor";
    replaceWhenChanged(this.#box, [alarms, isTold, language, today], () => [
      element("h2", {}, [t("alarms")]),
      element(
        "ul",
        { class: "alarms" },
        alarms.map(({ name, state: level, sinceMs, detail }) =>
          element("li", { "data-state": level }, [
            element("div", {}, [
              element("span", { class: "badge", "data-severity": level }, [t(`severity.${level}`)]),
              ...(level === "ok" ? [] : [" ", element("b", {}, [name[language]])]),
              ...(sinceMs === undefined
                ? []
                : [" ", t("alarms.since", { time: momentText(sinceMs, nowMs) })]),
            ]),
            element("div", { class: "muted" }, [detail[language]]),
          ]),
        ),
      ),
      ...(isTold ? [] : [element("p", { class: "muted" }, [t("alarms.nobody")])]),
    ]);
  }
}

/**
 * @param {number} atMs
 * @param {number} nowMs
 */
function momentText(atMs, nowMs) {
  return nowMs - atMs < DAY_MS ? formatTime(atMs) : `${formatDay(atMs)} ${formatTime(atMs)}`;
}
