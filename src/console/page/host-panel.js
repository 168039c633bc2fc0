/** What this host is, how it is set up, and where its numbers go. */
import { element, replaceWhenChanged } from "./dom.js";
import { formatBytes, formatDuration, formatTime } from "./format.js";

/** @typedef {import("../wire.ts").StateDocument} StateDocument */
/** @typedef {import("../../core/text.ts").Language} Language */
/** @typedef {ReturnType<typeof import("./texts.js").translator>} Translate */

const MINUTE_MS = 60_000;

export class HostPanel {
  #box;

  /** @param {HTMLElement} box */
  constructor(box) {
    this.#box = box;
  }

  /**
   * @param {StateDocument | undefined} state
   * @param {{ readonly t: Translate, readonly language: Language, readonly nowMs: number, readonly isLost: boolean }} view
   */
  update(state, { t, language, nowMs, isLost }) {
    if (!state) return;
    const { identity, agent } = state;
    const since = (/** @type {number | undefined} */ atMs) =>
      atMs === undefined ? undefined : formatDuration(nowMs - atMs, language);
    // Ages in minutes change each minute, so the panel is left alone in between and its text can be selected.
    const minute = Math.floor(nowMs / MINUTE_MS);
    replaceWhenChanged(
      this.#box,
      [
        state.version,
        identity,
        agent,
        state.settings,
        state.interfaces,
        state.inOwnNetworkNamespace,
        language,
        minute,
        isLost,
      ],
      () => [
        element("h2", {}, [t("host.title")]),
        ...(state.inOwnNetworkNamespace ? [element("p", { class: "muted" }, [t("host.namespace")])] : []),
        facts([
          [
            t("host.instance"),
            [identity.instanceId, identity.instanceType].filter((text) => text !== undefined).join(" · ") ||
              undefined,
          ],
          [t("host.region"), identity.region],
          [t("host.uptime"), since(identity.bootedAtMs)],
          ...state.settings.map(({ name, value }) => /** @type {const} */ ([settingName(name, t), value])),
        ]),
        ...(state.interfaces.length > 0
          ? [
              element("h3", {}, [t("host.interfaces")]),
              facts(state.interfaces.map((each) => [each.name, interfaceText(each, t)])),
            ]
          : []),
        element("h2", {}, [t("sink.title")]),
        ...sinkPart(state, t, language, nowMs),
        ...webhookPart(state, t, language, nowMs),
        element("h2", {}, [t("agent.title")]),
        facts([
          [t("agent.version"), state.version],
          [t("agent.running"), isLost ? undefined : since(agent.startedAtMs)],
          [t("agent.every"), `${agent.sampleEverySeconds} s`],
          [
            t("sink.state"),
            t("sink.stateOf", {
              used: formatBytes(agent.state.bytes),
              limit: formatBytes(agent.state.limitBytes),
            }),
          ],
        ]),
      ],
    );
  }
}

/**
 * @param {StateDocument} state
 * @param {Translate} t
 * @param {Language} language
 * @param {number} nowMs
 */
function sinkPart({ agent, identity }, t, language, nowMs) {
  const { sink, pushes } = agent;
  if (sink.kind === "local") {
    return [
      element("p", {}, [badge("local", t("sink.local"))]),
      element("p", { class: "muted" }, [sink.why[language]]),
      ...(pushes.queuedBatches > 0 ? [facts([[t("sink.queued"), String(pushes.queuedBatches)]])] : []),
    ];
  }
  const age =
    pushes.lastAcceptedAtMs === undefined
      ? undefined
      : formatDuration(nowMs - pushes.lastAcceptedAtMs, language);
  return [
    element("p", {}, [
      badge(pushes.problem ? "warning" : "ok", t("sink.cloudmonitor")),
      " ",
      element("code", {}, [sink.endpoint]),
    ]),
    facts([
      [t("host.region"), identity.region],
      [t("sink.lastPush"), age === undefined ? t("sink.never") : t("sink.ago", { duration: age })],
      [t("sink.queued"), String(pushes.queuedBatches)],
      [t("sink.quota"), t(pushes.quotaReached ? "sink.quotaReached" : "sink.quotaFine")],
      [t("sink.givenUp"), pushes.givenUp > 0 ? String(pushes.givenUp) : undefined],
      [t("sink.ambiguous"), pushes.ambiguousRepeats > 0 ? String(pushes.ambiguousRepeats) : undefined],
      [t("sink.problem"), pushes.problem && `${formatTime(pushes.problem.atMs)} ${pushes.problem.message}`],
    ]),
  ];
}

/**
 * @param {StateDocument} state
 * @param {Translate} t
 * @param {Language} language
 * @param {number} nowMs
 */
function webhookPart({ agent: { webhook } }, t, language, nowMs) {
  if (!webhook) return [];
  const { where, waiting, givenUp, lastDeliveredAtMs: atMs, problem } = webhook;
  const age = atMs === undefined ? undefined : formatDuration(nowMs - atMs, language);
  return [
    facts([
      [t("webhook.where"), where],
      [t("webhook.last"), age === undefined ? t("sink.never") : t("sink.ago", { duration: age })],
      [t("webhook.waiting"), waiting > 0 ? String(waiting) : undefined],
      [t("webhook.givenUp"), givenUp > 0 ? String(givenUp) : undefined],
      [t("webhook.problem"), problem && `${formatTime(problem.atMs)} ${problem.message}`],
    ]),
  ];
}

/**
 * @param {string} severity
 * @param {string} text
 */
function badge(severity, text) {
  return element("span", { class: "badge", "data-severity": severity }, [text]);
}

/** @param {readonly (readonly [string, string | undefined])[]} rows what is unknown is left out */
function facts(rows) {
  return element(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) =>
        element("div", {}, [element("dt", {}, [name]), element("dd", {}, [value ?? ""])]),
      ),
  );
}

/**
 * @param {string} name
 * @param {Translate} t
 */
function settingName(name, t) {
  if (name === "kernel" || name === "cpus") return t(`host.${name}`);
  return name.replace(/^net\.core\./, "");
}

/**
 * @param {StateDocument["interfaces"][number]} each
 * @param {Translate} t
 */
function interfaceText({ kind, driver, rxQueues, rps }, t) {
  const steering = { "": undefined, off: t("host.rpsOff"), "several masks": t("host.rpsMixed") };
  return [
    driver ?? kind,
    rxQueues === 1 ? t("host.rxQueue") : rxQueues > 1 ? t("host.rxQueues", { count: rxQueues }) : undefined,
    rps in steering ? steering[/** @type {keyof typeof steering} */ (rps)] : t("host.rps", { mask: rps }),
  ]
    .filter((text) => text !== undefined)
    .join(" · ");
}
