/** The verdict, the four numbers that matter, and what the diagnosis says. */
import { byId, element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { formatBytes, formatDuration, formatNumber, formatShare, formatTime, UNKNOWN } from "./format.js";

/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */
/** @typedef {"healthy" | "warning" | "critical" | "unknown" | "lost"} Shown */

/** @type {readonly string[]} */
const ICONS = ["healthy", "warning", "critical", "critical-inverse", "lost"];
const NUMBERS = /** @type {const} */ (["dropped", "squeezed", "processed", "backlog"]);

export class Banner {
  #box;
  #findings;
  /** All of them from the start: the one for a lost agent cannot be fetched once it is lost. */
  #icons = ICONS.map((name) =>
    element("img", { class: "verdict-icon", alt: "", src: `/assets/icon-${name}.svg` }),
  );
  #title = element("h2");
  #since = element("span", { class: "since" });
  #summary = element("p", { class: "summary" });
  #tiles;

  /**
   * @param {HTMLElement} box
   * @param {HTMLElement} findings
   */
  constructor(box, findings) {
    this.#box = box;
    this.#findings = findings;
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
    const shown = view.isLost ? "lost" : state && live ? state.severity : "unknown";
    setAttribute(this.#box, "data-severity", shown);
    setAttribute(document.documentElement, "data-severity", shown);
    const icon = ICONS.find((name) => name === shown) ?? "lost";
    ICONS.forEach((name, i) => {
      const inBanner = icon === "critical" ? "critical-inverse" : icon;
      setAttribute(/** @type {Element} */ (this.#icons[i]), "hidden", name !== inBanner);
    });
    setText(this.#title, t(`severity.${shown}`));
    const sinceMs = shown === "lost" || shown === "unknown" ? undefined : state?.severitySinceMs;
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
    this.#showFindings(state, view);
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {{ readonly t: Translate, readonly language: Language, readonly isLost: boolean }} view
   */
  #showFindings(state, { t, language, isLost }) {
    setAttribute(this.#findings, "data-stale", isLost);
    const { findings = [], cannotHelp = [], elsewhere = [], plan, alarms } = state ?? {};
    // A container cannot change the settings of its machine.
    const isElsewhere = state?.inOwnNetworkNamespace ?? false;
    const key = [isElsewhere, findings, cannotHelp, elsewhere, plan, alarms, language];
    replaceWhenChanged(this.#findings, key, () => {
      const parts = [
        ...(findings.length > 0 ? [findingsTable(findings, isElsewhere, t, language)] : []),
        ...(cannotHelp.length > 0
          ? [
              notes(
                t("cannotHelp"),
                cannotHelp.map(({ code, what, why }) => [
                  element("b", {}, [t("cannotHelpOne", { what: what[language] })]),
                  why[language],
                  element("code", {}, [code]),
                ]),
              ),
            ]
          : []),
        ...(elsewhere.length > 0
          ? [
              notes(
                t("elsewhere"),
                elsewhere.map(({ counter, interface: name, perSecond, means }) => [
                  element("code", {}, [counterText(counter, name)]),
                  element("b", {}, [`${formatNumber(perSecond)}${t("perSecond")}`]),
                  means[language],
                ]),
              ),
            ]
          : []),
        ...(plan ? [planPart(plan, t, language)] : []),
        ...(alarms ? [alarmsPart(alarms, t, language)] : []),
      ];
      setAttribute(this.#findings, "hidden", parts.length === 0);
      return parts;
    });
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
 * @param {string} counter
 * @param {string | undefined} name of the interface whose it is
 */
function counterText(counter, name) {
  return name === undefined ? counter : `${counter} ${name}`;
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

/**
 * @param {StateDocument["findings"]} findings
 * @param {boolean} isElsewhere the settings are those of another machine
 * @param {Translate} t
 * @param {Language} language
 */
function findingsTable(findings, isElsewhere, t, language) {
  const columns = /** @type {const} */ (["severity", "finding", "evidence", "confidence", "remedy"]);
  return element("section", { class: "panel" }, [
    element("h2", {}, [t("findings")]),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("findings") }, [
      element("table", { class: "found" }, [
        element("thead", {}, [
          element(
            "tr",
            {},
            columns.map((name) => element("th", { scope: "col" }, [t(`column.${name}`)])),
          ),
        ]),
        element(
          "tbody",
          {},
          findings.map((finding) =>
            element("tr", {}, [
              element("td", {}, [badge(finding.severity, t(`severity.${finding.severity}`))]),
              element("td", {}, [
                element("div", { class: "what" }, [finding.summary[language]]),
                element("code", {}, [finding.code]),
              ]),
              element("td", {}, [
                element(
                  "dl",
                  { class: "evidence" },
                  Object.entries(finding.evidence).map(([key, value]) =>
                    element("div", {}, [element("dt", {}, [key]), element("dd", {}, [evidenceText(value)])]),
                  ),
                ),
              ]),
              element("td", { class: "number", "data-label": t("column.confidence") }, [
                formatShare(finding.confidence),
              ]),
              element("td", { "data-label": t("column.remedy") }, [t(`remedy.${finding.remedy ?? "none"}`)]),
            ]),
          ),
        ),
      ]),
    ]),
    ...(findings.some(({ remedy }) => remedy !== null && remedy !== "instance")
      ? [
          element("p", { class: "command" }, [
            t(isElsewhere ? "fixThere" : "fix"),
            " ",
            element("code", {}, ["sudo softnet remedy apply"]),
            ` · ${t("preview")} `,
            element("code", {}, ["softnet remedy plan"]),
          ]),
        ]
      : []),
  ]);
}

/** @param {import("../../core/finding.ts").Evidence} value */
function evidenceText(value) {
  if (typeof value === "number") return formatNumber(value);
  return typeof value === "object" ? value.join(", ") : String(value);
}

/**
 * @param {string} severity
 * @param {string} text
 */
function badge(severity, text) {
  return element("span", { class: "badge", "data-severity": severity }, [text]);
}

/**
 * @param {string} title
 * @param {readonly (readonly (Node | string)[])[]} items
 */
function notes(title, items) {
  return element("section", { class: "panel notes" }, [
    element("h2", {}, [title]),
    element(
      "ul",
      {},
      items.map((parts) =>
        element(
          "li",
          {},
          parts.flatMap((part) => [part, " "]),
        ),
      ),
    ),
  ]);
}

/**
 * @param {NonNullable<StateDocument["plan"]>} plan
 * @param {Translate} t
 * @param {Language} language
 */
function planPart(plan, t, language) {
  const columns = /** @type {const} */ (["target", "from", "to", "why", "cost"]);
  return element("section", { class: "panel" }, [
    element("h2", {}, [t("plan")]),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("plan") }, [
      element("table", { class: "found" }, [
        element("thead", {}, [
          element(
            "tr",
            {},
            columns.map((name) => element("th", { scope: "col" }, [t(`plan.${name}`)])),
          ),
        ]),
        element(
          "tbody",
          {},
          plan.steps.map(({ target, from, to, why, cost }) =>
            element("tr", {}, [
              element("td", {}, [element("code", {}, [target])]),
              element("td", { class: "number", "data-label": t("plan.from") }, [from ?? t("absent")]),
              element("td", { class: "number", "data-label": t("plan.to") }, [
                element("b", {}, [to ?? t("absent")]),
              ]),
              element("td", {}, [why[language]]),
              element("td", {}, [
                cost
                  ? t("plan.costs", {
                      guide: formatBytes(cost.bytesGuide),
                      bound: formatBytes(cost.bytesUpperBound),
                      delay: formatNumber(cost.worstDelayMs),
                    })
                  : "",
              ]),
            ]),
          ),
        ),
      ]),
    ]),
    element("p", { class: "command" }, [t("plan.command"), " ", element("code", {}, [plan.command])]),
    ...plan.cannotHelp.map(({ what, why }) =>
      element("p", { class: "muted" }, [
        element("b", {}, [t("cannotHelpOne", { what: what[language] })]),
        " ",
        why[language],
      ]),
    ),
  ]);
}

/**
 * @param {NonNullable<StateDocument["alarms"]>} alarms
 * @param {Translate} t
 * @param {Language} language
 */
function alarmsPart(alarms, t, language) {
  return notes(
    t("alarms"),
    alarms.map(({ name, state, sinceMs, detail }) => [
      badge(state, t(`severity.${state}`)),
      element("b", {}, [name[language]]),
      detail[language],
      ...(sinceMs === undefined ? [] : [element("span", { class: "muted" }, [formatTime(sinceMs)])]),
    ]),
  );
}
