import type { AccountState, ChannelName, Contact, Level } from "./account-state.ts";

/** What reached one person over one channel. */
export interface Notification {
  readonly atMs: number;
  readonly contact: string;
  readonly channel: ChannelName | "Phone";
  readonly address: string;
  readonly level: Level;
  /** The rule's name. */
  readonly rule: string;
  readonly subject: string;
  readonly text: string;
}

export interface WebhookCall {
  readonly atMs: number;
  readonly url: string;
  readonly contentType: string;
  readonly body: string;
}

export interface Alarm {
  readonly atMs: number;
  readonly level: Level;
  readonly contactGroups: readonly string[];
  readonly rule: string;
  readonly subject: string;
  readonly text: string;
}

const CHANNELS_OF_LEVEL: Readonly<Record<Level, readonly Notification["channel"][]>> = {
  CRITICAL: ["Phone", "SMS", "Mail", "DingWebHook"],
  WARN: ["SMS", "Mail", "DingWebHook"],
  INFO: ["Mail", "DingWebHook"],
};
const WEBHOOK_ATTEMPTS = 3;
const WEBHOOK_TIMEOUT_MS = 5000;

/** Everything that leaves the account. */
export class Outbox {
  readonly notifications: Notification[] = [];
  readonly webhooks: WebhookCall[] = [];
  readonly #account: AccountState;
  readonly #webhookTarget: ((url: string) => string) | undefined;
  readonly #underWay = new Set<Promise<void>>();

  /** @param webhookTarget where a public address leads in a test; without it a call is noted and not made. */
  constructor(account: AccountState, webhookTarget?: (url: string) => string) {
    this.#account = account;
    this.#webhookTarget = webhookTarget;
  }

  /** Each contact of the groups once, over every channel of the level that is active and paid for. */
  notify({ contactGroups, ...alarm }: Alarm): void {
    const names = contactGroups.flatMap((group) => this.#account.contactGroups.get(group)?.contacts ?? []);
    for (const name of new Set(names)) {
      const contact = this.#account.contacts.get(name)!;
      for (const channel of CHANNELS_OF_LEVEL[alarm.level]) {
        const address = this.#addressOf(contact, channel);
        if (address === undefined || !this.#spend(channel)) continue;
        this.notifications.push({ ...alarm, contact: name, channel, address });
      }
    }
  }

  call(call: WebhookCall): void {
    this.webhooks.push(call);
    if (!this.#webhookTarget) return;
    const post = deliver({ ...call, url: this.#webhookTarget(call.url) }).finally(() =>
      this.#underWay.delete(post),
    );
    this.#underWay.add(post);
  }

  /** Until every call was answered or given up. */
  async settled(): Promise<void> {
    await Promise.all(this.#underWay);
  }

  #addressOf({ channels }: Contact, channel: Notification["channel"]): string | undefined {
    if (this.#account.site === "international" && (channel === "Phone" || channel === "SMS"))
      return undefined;
    const held = channels[channel === "Phone" ? "SMS" : channel];
    return held?.state === "OK" ? held.value : undefined;
  }

  #spend(channel: Notification["channel"]): boolean {
    const left = (
      {
        SMS: "smsLeft",
        Phone: "phoneCallsLeft",
        Mail: undefined,
        DingWebHook: undefined,
        AliIM: undefined,
      } as const
    )[channel];
    if (left === undefined) return true;
    if (this.#account[left] === 0) return false;
    this.#account[left]--;
    return true;
  }
}

async function deliver({ url, contentType, body }: WebhookCall): Promise<void> {
  for (let attempt = 1; attempt <= WEBHOOK_ATTEMPTS; attempt++) {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": contentType },
        body,
        signal: AbortSignal.timeout(WEBHOOK_TIMEOUT_MS),
      });
      await response.arrayBuffer();
      if (response.ok) return;
    } catch {
      // Whoever does not listen is tried again, and in the end not reached.
    }
  }
}
