/** What the diagnosis says, what would be changed, and what else wants to be known. */
import { element, replaceWhenChanged, setAttribute, setText } from "./dom.js";
import { counterText, formatBytes, formatNumber, formatShare } from "./format.js";

/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */

/** In the order in which they stand. */
const PARTS = /** @type {const} */ (["found", "drift", "plan", "cannotHelp", "elsewhere"]);

export class Findings {
  #box;
  /** Each is replaced by itself: numbers change each second, and a command that is being copied must stay. */
  #parts;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
    this.#parts = PARTS.map((name) => ({
      name,
      section: element("section", { class: "panel", "data-part": name, hidden: true }),
    }));
    box.append(...this.#parts.map(({ section }) => section));
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {{ readonly t: Translate, readonly language: Language, readonly isLost: boolean }} view
   */
  update(state, { t, language, isLost }) {
    if (!state) return;
    setAttribute(this.#box, "data-stale", isLost);
    const { findings, cannotHelp, elsewhere, drift, plan, inOwnNetworkNamespace } = state;
    // The plan knows of more than the verdict, and repeats it.
    const noUses = plan?.cannotHelp ?? cannotHelp;
    /** @type {Readonly<Record<(typeof PARTS)[number], readonly [unknown, () => readonly Node[]]>>} */
    const contents = {
      found: [
        [findings, inOwnNetworkNamespace, plan !== undefined],
        () =>
          findings.length > 0
            ? [
                ...findingsTable(findings, t, language),
                ...(plan ? [] : fixPart(findings, inOwnNetworkNamespace, t)),
              ]
            : [],
      ],
      drift: [drift, () => (drift ? driftPart(drift, t) : [])],
      plan: [
        [plan, inOwnNetworkNamespace],
        () => (plan ? planPart(plan, inOwnNetworkNamespace, t, language) : []),
      ],
      cannotHelp: [
        noUses,
        () =>
          notes(
            t("cannotHelp"),
            noUses.map(({ code, what, why }) => [
              element("b", {}, [t("cannotHelpOne", { what: what[language] })]),
              why[language],
              element("code", {}, [code]),
            ]),
          ),
      ],
      elsewhere: [
        elsewhere,
        () =>
          notes(
            t("elsewhere"),
            elsewhere.map(({ counter, interface: name, perSecond, means }) => [
              element("code", {}, [counterText(counter, name)]),
              element("b", {}, [`${formatNumber(perSecond)}${t("perSecond")}`]),
              means[language],
            ]),
          ),
      ],
    };
    for (const { name, section } of this.#parts) {
      const [key, content] = contents[name];
      replaceWhenChanged(section, [key, language], () => {
        const nodes = content();
        setAttribute(section, "hidden", nodes.length === 0);
        return nodes;
      });
    }
    setAttribute(
      this.#box,
      "hidden",
      this.#parts.every(({ section }) => section.hidden),
    );
  }
}

/**
 * @param {StateDocument["findings"]} findings
 * @param {Translate} t
 * @param {Language} language
 */
function findingsTable(findings, t, language) {
  const columns = /** @type {const} */ (["severity", "finding", "evidence", "confidence", "remedy"]);
  return [
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
  ];
}

/**
 * What to do as long as nobody has planned anything.
 *
 * @param {StateDocument["findings"]} findings
 * @param {boolean} isElsewhere the settings are those of another machine
 * @param {Translate} t
 */
function fixPart(findings, isElsewhere, t) {
  if (!findings.some(({ remedy }) => remedy !== null && remedy !== "instance")) return [];
  return [
    element("p", { class: "command" }, [
      t(isElsewhere ? "fixThere" : "fix"),
      " ",
      element("code", {}, ["sudo softnet remedy apply"]),
      ` · ${t("preview")} `,
      element("code", {}, ["softnet remedy plan"]),
    ]),
  ];
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
  if (items.length === 0) return [];
  return [
    element("h2", {}, [title]),
    element(
      "ul",
      { class: "notes" },
      items.map((parts) =>
        element(
          "li",
          {},
          parts.flatMap((part) => [part, " "]),
        ),
      ),
    ),
  ];
}

/**
 * @param {NonNullable<StateDocument["plan"]>} plan
 * @param {boolean} isElsewhere the settings are those of another machine
 * @param {Translate} t
 * @param {Language} language
 */
function planPart(
  { steps, files, cannotHelp, conflicts, notes: remarks, advice, command: line, undo },
  isElsewhere,
  t,
  language,
) {
  const columns = /** @type {const} */ (["target", "from", "to", "why", "cost"]);
  const texts = [
    ...(advice ? [advice] : []),
    ...remarks,
    ...conflicts.map(({ where, text }) => ({ en: `${where} ${text.en}`, zh: `${where} ${text.zh}` })),
  ].map((text) => element("p", {}, [text[language]]));
  if (steps.length === 0) {
    const isLostElsewhere = !isElsewhere && cannotHelp.some(({ code }) => code === "other-namespace");
    const why = t(isLostElsewhere ? "plan.lostElsewhere" : "plan.nothing");
    return [element("h2", {}, [t("plan")]), element("p", {}, [why]), ...texts];
  }
  return [
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
          steps.map(({ target, from, to, times, why, cost }) =>
            element("tr", {}, [
              element("td", {}, [element("code", {}, [target]), times > 1 ? ` × ${times}` : ""]),
              element("td", { "data-label": t("plan.from") }, [from]),
              element("td", { "data-label": t("plan.to") }, [element("b", {}, [to])]),
              element("td", {}, [why[language]]),
              element("td", { "data-label": t("plan.cost") }, [cost ? costText(cost, t) : t("plan.free")]),
            ]),
          ),
        ),
      ]),
    ]),
    ...texts,
    element("p", { class: "command" }, [
      t(isElsewhere ? "plan.commandThere" : "plan.command"),
      " ",
      command(line, t),
    ]),
    element("p", { class: "muted" }, [
      t("plan.proof"),
      ...(files.length > 0 ? [" ", t("plan.keep", { files: files.map(({ path }) => path).join(", ") })] : []),
      " ",
      t("plan.undo"),
      " ",
      element("code", {}, [undo]),
    ]),
  ];
}

/**
 * @param {NonNullable<NonNullable<StateDocument["plan"]>["steps"][number]["cost"]>} cost
 * @param {Translate} t
 */
function costText({ bytesGuide, bytesUpperBound, worstDelayMs }, t) {
  const bytes = { guide: formatBytes(bytesGuide), bound: formatBytes(bytesUpperBound) };
  return worstDelayMs === null
    ? t("plan.bytes", bytes)
    : t("plan.bytesAndDelay", { ...bytes, delay: formatNumber(worstDelayMs) });
}

/**
 * @param {NonNullable<StateDocument["drift"]>} drift
 * @param {Translate} t
 */
function driftPart({ settings, problem }, t) {
  if (problem !== undefined) {
    return [element("h2", {}, [t("drift")]), element("p", {}, [t("drift.unknown", { why: problem })])];
  }
  if (settings.length === 0) return [];
  const columns = /** @type {const} */ (["target", "expected", "found", "mend"]);
  return [
    element("h2", {}, [t("drift")]),
    element("p", { class: "muted" }, [t("drift.why")]),
    element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t("drift") }, [
      element("table", { class: "found" }, [
        element("thead", {}, [
          element(
            "tr",
            {},
            columns.map((name) => element("th", { scope: "col" }, [t(`drift.${name}`)])),
          ),
        ]),
        element(
          "tbody",
          {},
          settings.map(({ target, expected, found, mend }) =>
            element("tr", {}, [
              element("td", {}, [element("code", {}, [target])]),
              element("td", { "data-label": t("drift.expected") }, [expected]),
              element("td", { "data-label": t("drift.found") }, [element("b", {}, [found ?? t("absent")])]),
              element("td", { "data-label": t("drift.mend") }, [command(mend, t)]),
            ]),
          ),
        ),
      ]),
    ]),
    element("p", { class: "command" }, [
      t("drift.undo"),
      " ",
      command("sudo softnet remedy undo --force", t),
    ]),
  ];
}

/**
 * A command line, and a button that copies it.
 *
 * @param {string} text
 * @param {Translate} t
 */
function command(text, t) {
  const button = element("button", { type: "button", class: "copy", click: () => void copy() }, [t("copy")]);
  const line = element("code", {}, [text]);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      setText(button, t("copied"));
    } catch {
      // Not allowed here: it is then marked, so that a key can copy it.
      getSelection()?.selectAllChildren(line);
    }
  }
  return element("span", { class: "copyable" }, [line, " ", button]);
}
