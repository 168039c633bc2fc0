import { type AlarmAccount, type Contact, isMarked, marked } from "./alarm-account.ts";
import { differencesBetween, named, NOTHING, type Obstacle, type Part, taken } from "./alarm-steps.ts";
import type { AlarmWish } from "./alarm-wish.ts";
import { fingerprint } from "./fnv.ts";
import type { Text } from "./text.ts";

export const DEFAULT_GROUP = "softnet_oncall";

/** PutContactGroup takes so many. */
const MOST_MEMBERS = 100;

const CONTACT: Text = { en: "contact", zh: "联系人" };
const GROUP: Text = { en: "contact group", zh: "联系人组" };

/**
 * A contact's name takes 2 to 40 letters, digits, periods and underscores, and begins with a letter; a group's name may be
 * anything.
 */
export function contactNameFor(group: string): string {
  if (group === DEFAULT_GROUP) return DEFAULT_GROUP;
  const slug = /^[\w.]{1,28}$/.test(group)
    ? group
    : `${group.replaceAll(/[^A-Za-z0-9]+/g, "_").slice(0, 19)}_${fingerprint(group)}`;
  return `softnet_for_${slug}`;
}

function contactDescription(group: string, mail: string | undefined, phone: string | undefined): string {
  return marked(
    [
      `told by the group ${group}`,
      ...(mail ? [`mail ${mail}`] : []),
      ...(phone ? [`phone ${phone}`] : []),
    ].join("; "),
  );
}

/** What the addresses were when we wrote them: CloudMonitor does not show those that are not activated. */
function describedChannels({ description }: Contact): {
  mail: string | undefined;
  phone: string | undefined;
} {
  return {
    mail: /; mail (\S+?)(;|$)/.exec(description)?.[1],
    phone: /; phone (\S+?)(;|$)/.exec(description)?.[1],
  };
}

/** The group that a contact of ours was made for; undefined for any other contact. */
export function groupOfContact(contact: Contact): string | undefined {
  if (!isMarked(contact)) return undefined;
  return /: told by the group (.+?)(; (mail|phone) |$)/.exec(contact.description)?.[1];
}

export interface ContactPart extends Part {
  /** Ours, there already or about to be. */
  readonly name: string | undefined;
}

export function contactPart(wish: AlarmWish, group: string, { contacts }: AlarmAccount): ContactPart {
  const name = contactNameFor(group);
  const found = contacts.find((contact) => contact.name === name);
  if (wish.mail === undefined && wish.phone === undefined) {
    return { ...NOTHING, name: found && isMarked(found) ? name : undefined };
  }
  if (found && !isMarked(found)) return { steps: [], obstacles: [taken(CONTACT, name)], name: undefined };
  const known = found && describedChannels(found);
  const shown = {
    mail: found?.mail?.value ?? (found?.mail?.isPending ? known?.mail : undefined),
    phone: found?.phone?.value ?? (found?.phone?.isPending ? known?.phone : undefined),
  };
  const mail = wish.mail ?? shown.mail;
  const phone = wish.phone ?? shown.phone;
  const description = contactDescription(group, mail, phone);
  const differences = differencesBetween(
    found && { Describe: found.description, Mail: shown.mail ?? "", SMS: shown.phone ?? "" },
    { Describe: description, Mail: mail ?? "", SMS: phone ?? "" },
  );
  if (differences.length === 0) return { ...NOTHING, name };
  const contact = {
    description,
    mail,
    phone,
    lang: found ? found.lang : wish.contactLang,
    others: found?.others ?? {},
  };
  return {
    steps: [{ kind: "contact", action: found ? "update" : "create", name, differences, contact }],
    obstacles: [],
    name,
  };
}

export function groupPart(name: string, contact: ContactPart, { groups }: AlarmAccount): Part {
  const found = groups.find((group) => group.name === name);
  if (!found && contact.name === undefined) {
    if (contact.obstacles.length > 0) return NOTHING;
    return {
      steps: [],
      obstacles: [
        {
          code: "contact-group-missing",
          expected: {
            en: "--mail or --phone, or by --contact-group a group that exists: somebody has to be told",
            zh: "--mail 或 --phone，或用 --contact-group 指定已有的联系人组：总要有人接收报警",
          },
          got: { en: `no group ${name}`, zh: `没有联系人组 ${name}` },
          where: GROUP,
        },
      ],
    };
  }
  if (found && (contact.name === undefined || found.members.includes(contact.name))) return NOTHING;
  const members = [...(found?.members ?? []), contact.name!];
  if (members.length > MOST_MEMBERS) return { steps: [], obstacles: [full(name, contact.name!)] };
  return {
    steps: [
      {
        kind: "group",
        action: found ? "update" : "create",
        name,
        differences: differencesBetween(found && { ContactNames: found.members.join(",") }, {
          ContactNames: members.join(","),
        }),
        description: found ? found.description : marked("who is told when packets are lost"),
        members,
        isSubscribed: found?.isSubscribed,
      },
    ],
    obstacles: [],
  };
}

function full(name: string, contact: string): Obstacle {
  return {
    code: "contact-group-full",
    expected: {
      en: `room for ${contact}: take a contact out of it, or name another group by --contact-group`,
      zh: `能容纳 ${contact}：请从组中移除一个联系人，或用 --contact-group 指定其他组`,
    },
    got: {
      en: `${MOST_MEMBERS} members, and no more are allowed`,
      zh: `已有 ${MOST_MEMBERS} 个成员，达到上限`,
    },
    where: named(GROUP, name),
  };
}
