import { destination, type Logger, pino } from "pino";

/** JSON lines on stderr. The fields that could hold a secret are censored, should one ever be logged by mistake. */
export function createLogger(level: "debug" | "info" | "warn" | "error"): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: ["*.accessKeyId", "*.accessKeySecret", "*.securityToken"],
    },
    destination({ dest: 2, sync: true }),
  );
}
