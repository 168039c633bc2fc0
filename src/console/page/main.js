/** The page: what is known, what was chosen, and who shows it. */
import { AlarmsPanel } from "./alarms-panel.js";
import { Banner } from "./banner.js";
import { Charts } from "./charts.js";
import { CpuGrid } from "./cpu-grid.js";
import { CpuTable } from "./cpu-table.js";
import { byId, element, setAttribute, setText } from "./dom.js";
import { Findings } from "./findings.js";
import { formatDuration, formatTime } from "./format.js";
import { HostPanel } from "./host-panel.js";
import { IncidentsPanel } from "./incidents-panel.js";
import {
  keepLanguage,
  keepTheme,
  onSystemThemeChange,
  preferredLanguage,
  preferredTheme,
} from "./preferences.js";
import { SeriesModel } from "./series-model.js";
import { LiveStream } from "./stream.js";
import { translator } from "./texts.js";

/** @typedef {import("../wire.ts").Range} Range */
/** @typedef {import("../wire.ts").LiveDocument} LiveDocument */
/** @typedef {import("../wire.ts").StateDocument} StateDocument */

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
/** @type {Readonly<Record<Range, number>>} */
const RANGE_MS = {
  now: 5 * MINUTE_MS,
  "1h": 60 * MINUTE_MS,
  "24h": 1440 * MINUTE_MS,
  "30d": 43_200 * MINUTE_MS,
};
/** How soon what has left the range is taken out of the sums and peaks. */
/** @type {Readonly<Record<Range, number>>} */
const RELOAD_MS = { now: 15 * SECOND_MS, "1h": MINUTE_MS, "24h": MINUTE_MS, "30d": 5 * MINUTE_MS };
const RANGES = /** @type {readonly Range[]} */ (Object.keys(RANGE_MS));

/** As many as the agent adds to its answer. */
const MOST_PINNED = 4;

/** @type {StateDocument | undefined} */
let state;
/** @type {LiveDocument | undefined} */
let live;
/** @type {SeriesModel | undefined} */
let model;
/** Seconds that may have come while a history was on its way. @type {LiveDocument[]} */
let newest = [];
/** The agent's clock less this browser's: the console may be looked at from another machine. */
let clockOffsetMs = 0;
let loadedAtMs = 0;
/** Counts the loads, so that a late answer does not replace a newer one. */
let load = 0;
/** @type {string | undefined} */
let historyProblem;

let range = rangeOfAddress();
let language = preferredLanguage();
let theme = preferredTheme();
let t = translator(language);
/** @type {Set<number>} */
const pinned = new Set();

document.documentElement.dataset["theme"] = theme;
const rangeButtons = new Map(
  RANGES.map((each) => [
    each,
    element("button", { type: "button", "data-range": each, click: () => (location.hash = each) }),
  ]),
);
byId("ranges").append(...rangeButtons.values());
const banner = new Banner(byId("verdict"));
const findings = new Findings(byId("findings"));
const charts = new Charts(byId("losses"), byId("load"));
const grid = new CpuGrid(byId("grid"), pin);
const table = new CpuTable(byId("table"));
const alarmsPanel = new AlarmsPanel(byId("alarms"));
const hostPanel = new HostPanel(byId("host"));
const incidentsPanel = new IncidentsPanel(byId("incidents"));

const stream = new LiveStream({
  onState(document) {
    state = document;
    stream.expectEvery(document.agent.sampleEverySeconds);
    render();
  },
  onSample(document) {
    live = document;
    clockOffsetMs = document.takenAtMs - Date.now();
    newest = [...newest.slice(-59), document];
    model?.append(document);
    if (Date.now() - loadedAtMs > RELOAD_MS[range]) void loadHistory();
    render();
  },
  onMissed(document) {
    model?.appendMissed(document);
    void loadHistory();
  },
  onStatus: render,
});

byId("language").addEventListener("click", () => {
  language = language === "en" ? "zh" : "en";
  keepLanguage(language);
  t = translator(language);
  render();
});
byId("theme").addEventListener("click", () => {
  keepTheme(theme === "dark" ? "light" : "dark");
  applyTheme(theme === "dark" ? "light" : "dark");
});
onSystemThemeChange(() => applyTheme(preferredTheme()));
addEventListener("hashchange", () => chooseRange(rangeOfAddress()));
document.addEventListener("visibilitychange", render);
// The clock goes on when nothing comes: the graphs move on to show the gap, and "since" grows.
setInterval(() => {
  if (stream.status !== "live") render();
}, SECOND_MS);
void loadHistory();
render();

function rangeOfAddress() {
  return RANGES.find((each) => `#${each}` === location.hash) ?? "now";
}

/** @param {Range} chosen */
function chooseRange(chosen) {
  if (chosen === range) return;
  range = chosen;
  model = undefined;
  void loadHistory();
  render();
}

/** @param {number} cpu */
function pin(cpu) {
  if (pinned.has(cpu)) pinned.delete(cpu);
  else if (pinned.size < MOST_PINNED) pinned.add(cpu);
  void loadHistory();
  render();
}

/** @param {"light" | "dark"} chosen */
function applyTheme(chosen) {
  theme = chosen;
  document.documentElement.dataset["theme"] = theme;
  charts.restyle();
  render();
}

async function loadHistory() {
  const mine = ++load;
  loadedAtMs = Date.now();
  const query = new URLSearchParams([["range", range], ...[...pinned].map((cpu) => ["cpu", String(cpu)])]);
  try {
    const response = await fetch(`/api/history?${query}`);
    if (!response.ok) throw new Error((await response.text()).trim());
    const history = await response.json();
    if (mine !== load) return;
    model = new SeriesModel(history, state?.agent.sampleEverySeconds ?? 1, range === "30d");
    for (const second of newest) if (second.takenAtMs > history.toMs) model.append(second);
    historyProblem = undefined;
  } catch (error) {
    if (mine !== load) return;
    historyProblem = error instanceof Error ? error.message : String(error);
    setTimeout(() => void (mine === load && loadHistory()), 5 * SECOND_MS);
  }
  render();
}

/** Shows everything as it is now. */
function render() {
  if (document.hidden && live) {
    // The tab's title and icon are all that is seen of it.
    banner.update(state, live, viewOf());
    return;
  }
  const view = viewOf();
  const toMs = view.nowMs;
  model?.trim(toMs - RANGE_MS[range]);
  renderFrame(view);
  banner.update(state, live, view);
  findings.update(state, view);
  charts.update(model, { ...view, range, fromMs: toMs - RANGE_MS[range], toMs, pinned, onPin: pin });
  grid.update(live, model, { ...view, range, pinned });
  table.update(live, model, { ...view, pinned, onPin: pin });
  alarmsPanel.update(state, view);
  hostPanel.update(state, view);
  incidentsPanel.update(state, view);
}

function viewOf() {
  const isLive = stream.status === "live";
  return {
    t,
    language,
    isLive,
    isLost: stream.status === "lost" || stream.status === "late",
    backlogLimit: numberOf(state?.settings.find(({ name }) => name === "net.core.netdev_max_backlog")?.value),
    // While samples come, the newest one is now; after that the clock goes on.
    nowMs: isLive && live ? live.takenAtMs : Date.now() + clockOffsetMs,
  };
}

/** @param {string | undefined} text */
function numberOf(text) {
  return text === undefined ? undefined : Number(text);
}

/** @param {ReturnType<typeof viewOf>} view */
function renderFrame({ nowMs, isLost }) {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  setAttribute(document.body, "data-stale", isLost);
  setAttribute(document.body, "data-taken-at-ms", live?.takenAtMs);
  setText(byId("hostname"), state?.hostname ?? "…");
  setText(
    byId("place"),
    [state?.identity.instanceId, state?.identity.region].filter((text) => text !== undefined).join(" · "),
  );
  setText(byId("language"), t("switchLanguage"));
  setAttribute(byId("language"), "lang", language === "en" ? "zh-CN" : "en");
  setText(byId("theme"), t(theme === "dark" ? "switchToLight" : "switchToDark"));
  setAttribute(byId("connection"), "data-status", stream.status);
  setText(byId("connection"), t(`connection.${stream.status}`));
  setAttribute(byId("ranges"), "aria-label", t("range"));
  for (const [each, button] of rangeButtons) {
    setText(button, t(`range.${each}`));
    setAttribute(button, "aria-pressed", each === range ? "true" : "false");
  }
  const text = noticeText(nowMs);
  setAttribute(byId("notice"), "hidden", text === undefined);
  setText(byId("notice"), text ?? "");
}

/** @param {number} nowMs */
function noticeText(nowMs) {
  const lastMs = live?.takenAtMs;
  const when =
    lastMs === undefined
      ? undefined
      : { time: formatTime(lastMs), duration: formatDuration(nowMs - lastMs, language) };
  if (stream.status === "lost") return when ? t("notice.lost", when) : t("notice.never");
  if (stream.status === "late" && when) {
    return t("notice.late", { ...when, why: state?.agent.sampleProblem?.message ?? "" });
  }
  const problem = state?.agent.state.problem;
  if (problem) return t("notice.state", { time: formatTime(problem.atMs), why: problem.message });
  return historyProblem === undefined ? undefined : t("notice.history", { why: historyProblem });
}
