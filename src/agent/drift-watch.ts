import type { Logger } from "pino";

import { type DriftDocument, driftDocument } from "../core/remedy-document.ts";
import { driftOf } from "../core/remedy-journal.ts";
import { HostError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { readJournal, readSeenHost } from "../host/remedy-record.ts";
import { readHostSettings } from "../host/settings.ts";

/** What is no longer as `softnet remedy` set it. */
export interface DriftReport {
  readonly settings: readonly DriftDocument[];
  /** Why nobody can tell, one line; there are then no settings. */
  readonly problem: string | undefined;
}

const NO_DRIFT: DriftReport = { settings: [], problem: undefined };

/**
 * Compares what the journal of `softnet remedy` says with what the host shows, as `remedy status` does. It only reads, and where nothing
 * was ever changed it reads one file that is not there.
 */
export class DriftWatch {
  readonly #host: Host;
  readonly #dir: string;
  readonly #log: Pick<Logger, "info" | "warn">;
  #report: DriftReport = NO_DRIFT;

  /** @param parts `dir` holds the journal. */
  constructor(parts: { host: Host; dir: string; log: Pick<Logger, "info" | "warn"> }) {
    this.#host = parts.host;
    this.#dir = parts.dir;
    this.#log = parts.log;
  }

  get report(): DriftReport {
    return this.#report;
  }

  /** Logs a line when something begins to differ, and when it no longer does. */
  check(): void {
    const before = this.#report;
    this.#report = this.#look();
    this.#tell(before, this.#report);
  }

  #look(): DriftReport {
    try {
      const journal = readJournal(this.#host, this.#dir);
      if (!journal) return NO_DRIFT;
      const host = readHostSettings(this.#host);
      const drift = driftOf(journal, readSeenHost(this.#host, journal, host));
      return {
        settings: drift.map((one) => driftDocument(one, host.cpus.possible)),
        problem: undefined,
      };
    } catch (error) {
      if (!(error instanceof HostError)) throw error;
      return { settings: [], problem: error.message };
    }
  }

  #tell(before: DriftReport, now: DriftReport): void {
    if (now.problem !== undefined) {
      if (before.problem !== now.problem) {
        this.#log.warn(`What softnet remedy set cannot be checked: ${now.problem}`);
      }
      return;
    }
    const begun = now.settings.filter((one) => !has(before, one));
    const ended = before.settings.filter((one) => !has(now, one));
    if (begun.length > 0) {
      const what = begun.map(
        ({ target, expected, found, mend }) =>
          `${target}: expected ${expected}, got ${found ?? "nothing"} (${mend})`,
      );
      this.#log.warn(`No longer as softnet remedy set it: ${what.join("; ")}`);
    }
    if (ended.length > 0) {
      this.#log.info(`As softnet remedy set it again: ${ended.map(({ target }) => target).join(", ")}`);
    }
  }
}

/** Whatever it is set to by now. */
function has({ settings }: DriftReport, { target, expected }: DriftDocument): boolean {
  return settings.some((one) => one.target === target && one.expected === expected);
}
