import { destination, type Logger, pino } from "pino";

/** What nobody takes, as on a terminal that is gone or a full disk, waits for room and is then dropped. */
const MOST_WAITING_BYTES = 64 * 1024;

/** JSON lines on stderr. The fields that could hold a secret are censored, should one ever be logged by mistake. */
export function createLogger(level: "debug" | "info" | "warn" | "error"): Logger {
  const stderr = destination({ dest: 2, sync: true, maxLength: MOST_WAITING_BYTES });
  stderr.on("error", () => {});
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["*.accessKeyId", "*.accessKeySecret", "*.securityToken"],
    },
    stderr,
  );
}
