/** The verdict changes that CloudMonitor hears of; one event rule on a name covers a whole fleet. */
export type CustomEventName = "softnet_critical" | "softnet_warning" | "softnet_recovered";

/** One entry of PutCustomEvent. */
export interface CustomEvent {
  readonly name: CustomEventName;
  /** Application group; "0" is none. */
  readonly groupId: string;
  /** When it happened, epoch milliseconds. */
  readonly atMs: number;
  /** The evidence, as a person or a webhook will read it. It travels in the URL: keep it to a few hundred characters. */
  readonly content: string;
}

/** The API takes 1 to 50 in a call. */
export const EVENTS_PER_CALL = 50;
