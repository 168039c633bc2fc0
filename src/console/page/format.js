/** Numbers and times as a person reads them. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const UNKNOWN = "—";

/**
 * A rate or a count: 0, 0.4, 12, 8,450, 123k, 1.25M.
 *
 * @param {number | null | undefined} value
 */
export function formatNumber(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return UNKNOWN;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size < 10) return trimmed(value, size < 0.1 ? 2 : 1);
  if (size < 100_000) return whole.format(value);
  if (size < 1e6) return `${whole.format(value / 1e3)}k`;
  if (size < 1e9) return `${trimmed(value / 1e6, size < 1e8 ? 2 : 0)}M`;
  return `${trimmed(value / 1e9, 2)}G`;
}

/**
 * A label of an axis: short, so that they are all alike.
 *
 * @param {number} value
 */
export function formatAxis(value) {
  if (value >= 1e9) return `${trimmed(value / 1e9, 2)}G`;
  if (value >= 1e6) return `${trimmed(value / 1e6, 2)}M`;
  if (value >= 1e3) return `${trimmed(value / 1e3, 2)}k`;
  return trimmed(value, 2);
}

/** @param {number} bytes */
export function formatBytes(bytes) {
  if (bytes >= 1e9) return `${trimmed(bytes / 1e9, 1)} GB`;
  if (bytes >= 1e6) return `${trimmed(bytes / 1e6, 1)} MB`;
  if (bytes >= 1e3) return `${trimmed(bytes / 1e3, 0)} kB`;
  return `${bytes} B`;
}

/** @param {number} part 0 to 1 */
export function formatShare(part) {
  return `${trimmed(part * 100, part < 0.1 ? 1 : 0)}%`;
}

/**
 * The two largest units of a duration.
 *
 * @param {number} milliseconds
 * @param {import("../../core/text.ts").Language} language
 */
export function formatDuration(milliseconds, language) {
  const units = /** @type {const} */ ([
    [DAY, { en: "d", zh: "天" }],
    [HOUR, { en: "h", zh: "小时" }],
    [MINUTE, { en: "min", zh: "分" }],
    [SECOND, { en: "s", zh: "秒" }],
  ]);
  let left = Math.max(0, milliseconds);
  const first = units.findIndex(([size]) => left >= size);
  if (first === -1) return `0 ${units[3][1][language]}`;
  return units
    .slice(first, first + 2)
    .map(([size, name]) => {
      const count = Math.floor(left / size);
      left -= count * size;
      return count === 0 ? "" : `${count} ${name[language]}`;
    })
    .filter((text) => text !== "")
    .join(" ");
}

/** @param {number} atMs */
export function formatTime(atMs) {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":");
}

/** @param {number} atMs */
export function formatMinute(atMs) {
  return formatTime(atMs).slice(0, 5);
}

/** @param {number} atMs */
export function formatDay(atMs) {
  const at = new Date(atMs);
  return `${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

/**
 * A moment as exactly as a graph of that width can tell.
 *
 * @param {number} atMs
 * @param {number} stepMs
 */
export function formatMoment(atMs, stepMs) {
  if (stepMs < MINUTE) return formatTime(atMs);
  return stepMs < HOUR ? formatMinute(atMs) : `${formatDay(atMs)} ${formatMinute(atMs)}`;
}

/** @param {number} value @param {number} decimals */
function trimmed(value, decimals) {
  return String(Number(value.toFixed(decimals)));
}

/** @param {number} value */
function twoDigits(value) {
  return String(value).padStart(2, "0");
}

/**
 * @param {string} counter
 * @param {string | undefined} name of the interface whose it is
 */
export function counterText(counter, name) {
  return name === undefined ? counter : `${counter} ${name}`;
}
