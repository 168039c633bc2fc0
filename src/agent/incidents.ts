import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { Clock } from "../clock.ts";
import type { SoftnetDelta } from "../core/delta.ts";
import { sumOf } from "../core/rates.ts";
import type { Text } from "../core/text.ts";
import type { VerdictChange } from "../core/verdict-over-time.ts";
import { errorCodeOf, StoreError } from "../errors.ts";
import { renderCapture, type Snapshot } from "../host/capture.ts";
import type { Host } from "../host/host.ts";
import { takeFiles } from "../host/snapshot.ts";
import { makeFolder } from "../make-folder.ts";

/** A change of the verdict, as the console lists it. Plain data, kept in the state. */
export interface Incident {
  /** Wall clock, epoch milliseconds. */
  readonly atMs: number;
  readonly event: VerdictChange["event"];
  /** The finding it was about; undefined for a verdict without one. */
  readonly code: string | undefined;
  readonly summary: Text | undefined;
  /** Name of the capture around it; undefined until it is written, and again when it had to make room. */
  readonly capture: string | undefined;
}

/** Where incidents are kept: their list in the store, their captures as files. */
export interface IncidentShelf {
  read(): readonly Incident[];
  write(incidents: readonly Incident[]): void;
}

/** The capture goes on so long after the change. */
const AFTER_SECONDS = 10;
/** Seconds before the change that a capture holds at most, beside the one in which it all began. */
const MOST_BEFORE = 30;
/** A host that lost nothing for so long begins anew. */
const QUIET_SECONDS = 30;
const MOST_INCIDENTS = 200;
const MOST_CAPTURES = 20;
const MOST_CAPTURE_BYTES = 16_000_000;

/**
 * Keeps what the kernel said around each change of the verdict, so that it can still be diagnosed when it is over.
 *
 * While nothing grows it reads nothing: a capture begins with the second in which the loss does.
 */
export class IncidentRecorder {
  readonly #host: Host;
  readonly #clock: Clock;
  readonly #shelf: IncidentShelf;
  readonly #dir: string;
  /** Oldest first. */
  #incidents: readonly Incident[];
  /** The snapshot with the settings, with which the unrest began. */
  #first: Snapshot | undefined;
  #since: Snapshot[] = [];
  #quietSeconds = 0;
  /** The change whose capture is still being taken. */
  #open: { readonly atMs: number; readonly name: string; readonly untilMs: number } | undefined;

  /** @param dir for the captures; made when the first is written. */
  constructor(parts: { host: Host; clock: Clock; shelf: IncidentShelf; dir: string }) {
    this.#host = parts.host;
    this.#clock = parts.clock;
    this.#shelf = parts.shelf;
    this.#dir = parts.dir;
    this.#incidents = parts.shelf.read();
  }

  /** Newest first. */
  incidents(): readonly Incident[] {
    return this.#incidents.toReversed();
  }

  /** Undefined where there is no capture of that name. */
  readCapture(name: string): string | undefined {
    const isOurs = this.#incidents.some(({ capture }) => capture === name);
    if (!isOurs) return undefined;
    const path = join(this.#dir, name);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  }

  /**
   * Hears of each sample, and of the change it brought.
   *
   * @throws StoreError when the capture cannot be written; the incident is listed without it.
   */
  note(delta: SoftnetDelta, change: VerdictChange | undefined): void {
    const grows = sumOf(delta.dropped) > 0 || sumOf(delta.timeSqueeze) > 0;
    this.#quietSeconds = grows ? 0 : this.#quietSeconds + delta.elapsedSeconds;
    if (change) this.#begin(change);
    if (this.#quietSeconds > QUIET_SECONDS && !this.#open) {
      this.#first = undefined;
      this.#since = [];
    } else if (grows || this.#open) {
      this.#takeSnapshot();
    }
    if (this.#open && this.#clock.monotonicMs() >= this.#open.untilMs) this.#finish();
  }

  /** Writes what is there: the process ends. */
  close(): void {
    if (this.#open) this.#finish();
  }

  #begin(change: VerdictChange): void {
    if (this.#open) this.#finish();
    const atMs = this.#clock.nowMs();
    const finding = change.episode.verdict.findings[0];
    const name = `${new Date(atMs).toISOString().replaceAll(/[:.]/g, "-")}-${change.event}.capture`;
    this.#open = { atMs, name, untilMs: this.#clock.monotonicMs() + AFTER_SECONDS * 1000 };
    const incident: Incident = {
      atMs,
      event: change.event,
      code: finding?.code,
      summary: finding?.summary,
      capture: undefined,
    };
    this.#list([...this.#incidents, incident].slice(-MOST_INCIDENTS));
  }

  #takeSnapshot(): void {
    if (!this.#first) {
      this.#first = this.#snapshot(["static", "ends", "hot"]);
      return;
    }
    this.#since.push(this.#snapshot(["hot"]));
    if (!this.#open && this.#since.length > MOST_BEFORE) this.#since.shift();
  }

  #finish(): void {
    const { atMs, name } = this.#open!;
    this.#open = undefined;
    if (!this.#first || this.#since.length === 0) return;
    const last = this.#snapshot(["ends", "hot"]);
    const text = renderCapture([this.#first, ...this.#since.slice(0, -1), last]);
    this.#first = undefined;
    this.#since = [];
    writeCapture(this.#dir, name, text);
    const kept = makeRoom(this.#dir);
    this.#list(
      this.#incidents.map((incident): Incident => {
        const capture = incident.atMs === atMs ? name : incident.capture;
        return { ...incident, capture: capture !== undefined && kept.has(capture) ? capture : undefined };
      }),
    );
  }

  #list(incidents: readonly Incident[]): void {
    this.#incidents = incidents;
    this.#shelf.write(incidents);
  }

  #snapshot(kinds: Parameters<typeof takeFiles>[1]): Snapshot {
    const moment = { takenAtMs: this.#clock.nowMs(), monotonicMs: this.#clock.monotonicMs() };
    return { ...moment, files: takeFiles(this.#host, kinds) };
  }
}

function writeCapture(dir: string, name: string, text: string): void {
  try {
    makeFolder(dir, 0o700);
    writeFileSync(join(dir, name), text, { mode: 0o600 });
  } catch (error) {
    if (errorCodeOf(error) === undefined) throw error;
    throw new StoreError(
      {
        code: "capture-unwritable",
        expected: "room for a capture",
        got: errorCodeOf(error)!,
        where: join(dir, name),
      },
      { cause: error },
    );
  }
}

/** Removes the oldest captures until the rest fits. @returns the names that are left. */
function makeRoom(dir: string): ReadonlySet<string> {
  // The names begin with the time.
  const names = readdirSync(dir).sort();
  let bytes = names.reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  while (names.length > MOST_CAPTURES || (bytes > MOST_CAPTURE_BYTES && names.length > 1)) {
    const path = join(dir, names.shift()!);
    bytes -= statSync(path).size;
    rmSync(path);
  }
  return new Set(names);
}
