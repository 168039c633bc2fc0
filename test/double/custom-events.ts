import { type ActionAnswer, type ActionFamily, ApiError, type Call, listParameter } from "./action.ts";
import { parseTime } from "./custom-metrics.ts";

export interface StoredEvent {
  readonly name: string;
  readonly groupId: string;
  readonly timeMs: number;
  readonly content: string;
}

export interface CustomEvents extends ActionFamily {
  readonly events: readonly StoredEvent[];
}

const LONGEST_CONTENT_BYTES = 500 * 1024;

/** PutCustomEvent: unlike a point, an event that comes twice is kept twice. */
export function customEvents(
  whenStored: (event: StoredEvent, nowMs: number) => void = () => undefined,
): CustomEvents {
  const events: StoredEvent[] = [];

  function putCustomEvent(call: Call): ActionAnswer {
    const entries = listParameter(call, "EventInfo", {
      required: ["EventName", "Content"],
      optional: ["GroupId", "Time"],
      most: 50,
    });
    const bytes = entries.reduce((sum, entry) => sum + Buffer.byteLength(entry["Content"]!), 0);
    if (bytes > LONGEST_CONTENT_BYTES)
      throw new ApiError(400, "InvalidParameter", "The events are too large.");
    const stored: StoredEvent[] = [];
    for (const [i, entry] of entries.entries()) {
      const timeMs = entry["Time"] === undefined ? call.receivedAtMs : parseTime(entry["Time"]);
      const groupId = entry["GroupId"] ?? "0";
      if (
        timeMs === undefined ||
        !/^\d+$/.test(groupId) ||
        entry["EventName"] === "" ||
        entry["Content"] === ""
      ) {
        return { Code: "400", Message: `EventInfo.${i + 1} is invalid` };
      }
      stored.push({ name: entry["EventName"]!, groupId, timeMs, content: entry["Content"]! });
    }
    events.push(...stored);
    for (const event of stored) whenStored(event, call.receivedAtMs);
    return { Code: "200", Message: "success" };
  }

  return { version: "2019-01-01", product: "cms", actions: { PutCustomEvent: putCustomEvent }, events };
}
