import type { AccountState, Channel, ChannelName, Contact, ContactGroup } from "./account-state.ts";
import {
  type ActionAnswer,
  type ActionFamily,
  type Call,
  complaint,
  DONE,
  pageOf,
  Parameters,
} from "./action.ts";

const CHANNELS: readonly ChannelName[] = ["Mail", "SMS", "DingWebHook", "AliIM"];
/** Only these are sent a link; the others are taken at their word. */
const ACTIVATED_BY_LINK: ReadonlySet<ChannelName> = new Set(["Mail", "SMS"]);

const LOOKS_RIGHT: Readonly<Record<ChannelName, RegExp>> = {
  Mail: /^[^@\s]+@[^@\s.]+(\.[^@\s.]+)+$/,
  SMS: /^(\d{1,4}-)?\d{5,15}$/,
  DingWebHook: /^https:\/\/oapi\.dingtalk\.com\/robot\/send\?access_token=\w+$/,
  AliIM: /^\S+$/,
};

/** Contacts and their groups. A write is an upsert of the whole: what it does not name is gone. */
export function contacts(account: AccountState): ActionFamily {
  function putContact(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const name = p.required("ContactName");
    const describe = p.required("Describe");
    const lang = p.oneOf("Lang", ["zh-cn", "en"]) ?? (account.site === "china" ? "zh-cn" : "en");
    const given = CHANNELS.map((channel) => [channel, p.optional(`Channels.${channel}`)] as const).filter(
      (pair): pair is [ChannelName, string] => pair[1] !== undefined,
    );
    p.end();
    if (!/^[A-Za-z][\w.]{1,39}$/.test(name)) return complaint("400", "Illegal parameters: ContactName.");
    if (given.length === 0) return complaint("400", "Illegal parameters: no channel.");
    for (const [channel, value] of given) {
      const exists = account.site === "china" || channel === "Mail" || channel === "DingWebHook";
      if (!exists || !LOOKS_RIGHT[channel].test(value))
        return complaint("400", `Illegal parameters: ${channel}.`);
    }
    const before = account.contacts.get(name);
    const contact: Contact = {
      name,
      describe,
      lang,
      channels: Object.fromEntries(
        given.map(([channel, value]) => [channel, channelAfter(before?.channels[channel], channel, value)]),
      ),
      createdAtMs: before?.createdAtMs ?? call.receivedAtMs,
      updatedAtMs: call.receivedAtMs,
    };
    account.contacts.set(name, contact);
    for (const [channel, { state }] of Object.entries(contact.channels) as [ChannelName, Channel][]) {
      if (state === "PENDING") account.activationLinks.push({ contact: name, channel });
    }
    return DONE;
  }

  function describeContactList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const name = p.optional("ContactName") ?? "";
    const type = p.oneOf("ChanelType", CHANNELS);
    const value = p.optional("ChanelValue");
    p.optional("RegionId");
    const found = [...account.contacts.values()].filter(
      (contact) =>
        // The documentation does not say that the name is matched as a whole: whoever asks has to look.
        contact.name.includes(name) &&
        (type === undefined || contact.channels[type]?.state === "OK") &&
        (type === undefined || value === undefined || contact.channels[type]?.value === value),
    );
    const page = pageOf(found, p, { number: "PageNumber", size: "PageSize", defaultSize: 100 });
    p.end();
    return {
      ...DONE,
      Total: found.length,
      Contacts: {
        Contact: page.items.map((contact) => ({ ...shown(contact), ...shownWithStates(contact) })),
      },
    };
  }

  function shownWithStates(contact: Contact): object {
    const groups = [...account.contactGroups.values()].filter((group) =>
      group.contacts.includes(contact.name),
    );
    return {
      Lang: contact.lang,
      ChannelsState: Object.fromEntries(
        Object.entries(contact.channels).map(([channel, { state }]) => [channel, state]),
      ),
      ContactGroups: { ContactGroup: groups.map(({ name }) => name) },
    };
  }

  function describeContactListByContactGroup(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const group = account.contactGroups.get(p.required("ContactGroupName"));
    p.optional("RegionId");
    p.end();
    if (!group) return complaint("404", "The group is not exists.");
    return {
      ...DONE,
      Contacts: { Contact: group.contacts.map((name) => shown(account.contacts.get(name)!)) },
    };
  }

  function deleteContact(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const name = p.required("ContactName");
    p.end();
    if (!account.contacts.delete(name)) return complaint("ContactNotExists", "The contact is not exists.");
    for (const group of account.contactGroups.values()) {
      group.contacts = group.contacts.filter((member) => member !== name);
    }
    return DONE;
  }

  function putContactGroup(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const name = p.required("ContactGroupName");
    const members = p.list("ContactNames", 100);
    const describe = p.optional("Describe") ?? "";
    const enableSubscribed = p.flag("EnableSubscribed") ?? false;
    p.end();
    if (members.length === 0) return complaint("400", "Illegal parameters: ContactNames.");
    const unknown = members.find((member) => !account.contacts.has(member));
    if (unknown !== undefined) return complaint("ContactNotExists", `The contact ${unknown} is not exists.`);
    if (new Set(members).size !== members.length)
      return complaint("400", "Illegal parameters: ContactNames.");
    const before = account.contactGroups.get(name);
    account.contactGroups.set(name, {
      name,
      describe,
      contacts: [...members],
      enableSubscribed,
      createdAtMs: before?.createdAtMs ?? call.receivedAtMs,
      updatedAtMs: call.receivedAtMs,
    });
    return DONE;
  }

  function describeContactGroupList(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    p.optional("RegionId");
    const all = [...account.contactGroups.values()];
    const page = pageOf(all, p, { number: "PageNumber", size: "PageSize", defaultSize: 10 });
    p.end();
    return {
      ...DONE,
      Total: all.length,
      ContactGroups: { ContactGroup: page.items.map(({ name }) => name) },
      ContactGroupList: { ContactGroup: page.items.map(shownGroup) },
    };
  }

  function deleteContactGroup(call: Call): ActionAnswer {
    const p = new Parameters(call.params);
    const name = p.required("ContactGroupName");
    p.end();
    if (!account.contactGroups.has(name)) return complaint("404", "The group is not exists.");
    // Whether the cloud refuses this is not documented; a rule that calls nobody must not come of it.
    if (isUsed(account, name)) return complaint("400", `The group ${name} is used by alert rules.`);
    account.contactGroups.delete(name);
    return DONE;
  }

  return {
    version: "2019-01-01",
    product: "cms",
    actions: {
      PutContact: putContact,
      DescribeContactList: describeContactList,
      DescribeContactListByContactGroup: describeContactListByContactGroup,
      DeleteContact: deleteContact,
      PutContactGroup: putContactGroup,
      DescribeContactGroupList: describeContactGroupList,
      DeleteContactGroup: deleteContactGroup,
    },
  };
}

/** An address that did not change stays as active as it was. */
function channelAfter(before: Channel | undefined, channel: ChannelName, value: string): Channel {
  if (before?.value === value) return before;
  return { value, state: ACTIVATED_BY_LINK.has(channel) ? "PENDING" : "OK" };
}

/** A channel that is not active yet is left out: its address cannot be read back. */
function shown(contact: Contact): object {
  return {
    Name: contact.name,
    Desc: contact.describe,
    CreateTime: contact.createdAtMs,
    UpdateTime: contact.updatedAtMs,
    Channels: Object.fromEntries(
      Object.entries(contact.channels)
        .filter(([, { state }]) => state === "OK")
        .map(([channel, { value }]) => [channel, value]),
    ),
  };
}

function shownGroup(group: ContactGroup): object {
  return {
    Name: group.name,
    Describe: group.describe,
    EnableSubscribed: group.enableSubscribed,
    EnabledWeeklyReport: false,
    CreateTime: group.createdAtMs,
    UpdateTime: group.updatedAtMs,
    Contacts: { Contact: group.contacts },
  };
}

function isUsed({ metricRules, eventRules, customEventRules }: AccountState, group: string): boolean {
  return (
    [...metricRules.values(), ...customEventRules.values()].some((rule) =>
      rule.contactGroups.includes(group),
    ) ||
    [...eventRules.values()].some(({ targets }) =>
      targets.some((target) => target.kind === "contact" && target.contactGroup === group),
    )
  );
}
