import { driftOf, isEndedByReboot } from "./core/remedy-journal.ts";
import type { Host } from "./host/host.ts";
import { readAudit, readJournal, readSeenHost } from "./host/remedy-record.ts";
import { readHostSettings } from "./host/settings.ts";
import type { RemedyStatus } from "./reports/remedy-text.ts";

/** What `remedy` has changed on a host, and what of it still holds. */
export function remedyStatusOf(host: Host, dir: string): RemedyStatus {
  const settings = readHostSettings(host);
  const journal = readJournal(host, dir);
  const seen = journal && readSeenHost(host, journal, settings);
  return {
    journal,
    drift: seen ? driftOf(journal, seen) : [],
    ended: seen ? journal.values.filter((value) => isEndedByReboot(value, seen)) : [],
    records: readAudit(host, dir),
    possibleCpus: settings.cpus.possible,
  };
}
