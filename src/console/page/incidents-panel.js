/** What happened before: each change of the verdict, with the capture around it. */
import { element, replaceWhenChanged, setAttribute } from "./dom.js";
import { formatDay, formatTime } from "./format.js";

/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */

/** @type {Readonly<Record<string, string>>} */
const SEVERITY_OF = { softnet_warning: "warning", softnet_critical: "critical", softnet_recovered: "ok" };

export class IncidentsPanel {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {{ readonly t: Translate, readonly language: Language }} view
   */
  update(state, { t, language }) {
    const incidents = state?.incidents;
    setAttribute(this.#box, "hidden", incidents === undefined);
    if (!incidents) return;
    replaceWhenChanged(this.#box, [incidents, language], () => [
      element("h2", {}, [t("incidents.title")]),
      incidents.length === 0
        ? element("p", { class: "muted" }, [t("incidents.none")])
        : element(
            "ol",
            { class: "incidents" },
            incidents.map(({ atMs, event, code, summary, capture }) =>
              element("li", {}, [
                element("time", { datetime: new Date(atMs).toISOString() }, [
                  `${formatDay(atMs)} ${formatTime(atMs)}`,
                ]),
                element("span", { class: "badge", "data-severity": SEVERITY_OF[event] }, [
                  t(`incidents.${event}`),
                ]),
                element("span", {}, [
                  event === "softnet_recovered" ? (code ?? "") : (summary?.[language] ?? code ?? ""),
                ]),
                ...(capture === undefined
                  ? []
                  : [
                      element(
                        "a",
                        {
                          href: `/api/capture?name=${encodeURIComponent(capture)}`,
                          download: true,
                          title: t("incidents.captureTitle"),
                        },
                        [t("incidents.capture")],
                      ),
                    ]),
              ]),
            ),
          ),
    ]);
  }
}
