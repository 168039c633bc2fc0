import type { EventEmitter } from "node:events";

import { EXIT_CODE_OF_SIGNAL } from "./terminal/command.ts";

/** Under npm, Ctrl-C comes from the terminal and again from npm, which passes it on. */
const SAME_MS = 500;

/**
 * Turns SIGINT, SIGTERM and SIGHUP into an abort with the signal's name as the reason. Asked again, a person means at once: the process then exits.
 * A terminal that is gone is nobody who asks: the shell, sudo and the kernel each say so in their own time.
 *
 * @param nowMs any clock that never steps.
 */
export function signalOf(
  process: EventEmitter & { readonly exit: (code: number) => void },
  nowMs: () => number,
): AbortSignal {
  const abort = new AbortController();
  let firstAtMs: number | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      firstAtMs ??= nowMs();
      const isAgain = nowMs() - firstAtMs > SAME_MS && signal !== "SIGHUP";
      if (isAgain) process.exit(EXIT_CODE_OF_SIGNAL[signal]);
      abort.abort(signal);
    });
  }
  return abort.signal;
}
