import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { openAccount } from "./account.ts";
import { call, codeOf, type Parameter } from "./call.ts";

type Fields = Readonly<Record<string, Parameter>>;

const ANNA: Fields = { ContactName: "anna", Describe: "on call", Channels: { Mail: "anna@example.com" } };

describe("the double of PutContact", () => {
  const ROWS: readonly {
    readonly name: string;
    readonly change: Fields;
    readonly code: string;
    readonly site?: "international";
  }[] = [
    { name: "a contact with a mail", change: {}, code: "200" },
    { name: "a phone in China", change: { Channels: { SMS: "86-13800000000" } }, code: "200" },
    {
      name: "a phone abroad",
      change: { Channels: { SMS: "1380000000" } },
      site: "international",
      code: "400",
    },
    { name: "an address without an at sign", change: { Channels: { Mail: "anna" } }, code: "400" },
    {
      name: "a robot of somebody else",
      change: { Channels: { DingWebHook: "https://x.com/" } },
      code: "400",
    },
    { name: "a name with a hyphen", change: { ContactName: "softnet-oncall" }, code: "400" },
    { name: "no channel", change: { Channels: {} }, code: "400" },
    { name: "a channel that does not exist", change: { Channels: { Fax: "1" } }, code: "InvalidParameter" },
    { name: "no description", change: { Describe: "" }, code: "MissingDescribe" },
    { name: "a language that is none", change: { Lang: "fr" }, code: "InvalidParameter" },
  ];
  for (const { name, change, code, site } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      const { families } = openAccount(site ? { site } : {});
      assert.equal(
        codeOf(() => call(families, "PutContact", { ...ANNA, ...change })),
        code,
      );
    });
  }

  test("shows an address once its owner has clicked the link", () => {
    const account = openAccount();
    const shown = (): unknown => call(account.families, "DescribeContactList")["Contacts"];
    call(account.families, "PutContact", ANNA, 5);
    const anna = { Name: "anna", Desc: "on call", Lang: "zh-cn", CreateTime: 5, UpdateTime: 5 };
    const none = { ContactGroups: { ContactGroup: [] } };
    assert.deepEqual(shown(), {
      Contact: [{ ...anna, ...none, Channels: {}, ChannelsState: { Mail: "PENDING" } }],
    });
    account.activate("anna", "Mail");
    assert.deepEqual(shown(), {
      Contact: [{ ...anna, ...none, Channels: { Mail: "anna@example.com" }, ChannelsState: { Mail: "OK" } }],
    });
  });

  test("leaves an unchanged address active, and sends a link to a changed one", () => {
    const account = openAccount();
    call(account.families, "PutContact", ANNA);
    account.activate("anna", "Mail");
    call(account.families, "PutContact", { ...ANNA, Describe: "away" });
    assert.equal(account.state.contacts.get("anna")!.channels.Mail!.state, "OK");
    call(account.families, "PutContact", { ...ANNA, Channels: { Mail: "other@example.com" } });
    assert.equal(account.state.contacts.get("anna")!.channels.Mail!.state, "PENDING");
    assert.equal(account.state.activationLinks.length, 2);
  });

  test("pages a list, and finds a name within longer ones", () => {
    const { families } = openAccount();
    for (const name of ["anna", "annabel", "bob"])
      call(families, "PutContact", { ...ANNA, ContactName: name });
    const names = (parameters: Fields): unknown[] => {
      const { Contacts, Total } = call(families, "DescribeContactList", parameters) as {
        Contacts: { Contact: { Name: string }[] };
        Total: number;
      };
      return [...Contacts.Contact.map(({ Name }) => Name), Total];
    };
    assert.deepEqual(names({ PageSize: 2 }), ["anna", "annabel", 3]);
    assert.deepEqual(names({ PageSize: 2, PageNumber: 2 }), ["bob", 3]);
    assert.deepEqual(names({ ContactName: "anna" }), ["anna", "annabel", 2]);
  });

  test("forgets a contact in its groups too, and says when there is none", () => {
    const { families, state } = openAccount();
    call(families, "PutContact", ANNA);
    call(families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["anna"] });
    assert.equal(call(families, "DeleteContact", { ContactName: "anna" })["Success"], true);
    assert.deepEqual(state.contactGroups.get("ops")!.contacts, []);
    assert.equal(call(families, "DeleteContact", { ContactName: "anna" })["Code"], "ContactNotExists");
  });
});

describe("the double of PutContactGroup", () => {
  test("puts the new list in the place of the old one", () => {
    const { families, state } = openAccount();
    for (const name of ["anna", "bob"]) call(families, "PutContact", { ...ANNA, ContactName: name });
    call(families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["anna", "bob"] });
    call(families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["bob"] });
    assert.deepEqual(state.contactGroups.get("ops")!.contacts, ["bob"]);
    const { Contacts } = call(families, "DescribeContactListByContactGroup", { ContactGroupName: "ops" }) as {
      Contacts: { Contact: { Name: string }[] };
    };
    assert.deepEqual(
      Contacts.Contact.map(({ Name }) => Name),
      ["bob"],
    );
  });

  const ROWS: readonly { readonly name: string; readonly change: Fields; readonly code: string }[] = [
    { name: "a contact that exists", change: {}, code: "200" },
    { name: "a contact that does not", change: { ContactNames: ["carl"] }, code: "ContactNotExists" },
    { name: "nobody", change: { ContactNames: [] }, code: "400" },
    { name: "a contact twice", change: { ContactNames: ["anna", "anna"] }, code: "400" },
    {
      name: "101 contacts",
      change: { ContactNames: Array.from({ length: 101 }, (_, i) => `c${i}`) },
      code: "InvalidParameter",
    },
    { name: "a flag that is none", change: { EnableSubscribed: "yes" }, code: "InvalidParameter" },
  ];
  for (const { name, change, code } of ROWS) {
    test(`answers ${code} to ${name}`, () => {
      const { families } = openAccount();
      call(families, "PutContact", ANNA);
      assert.equal(
        codeOf(() =>
          call(families, "PutContactGroup", { ContactGroupName: "ops", ContactNames: ["anna"], ...change }),
        ),
        code,
      );
    });
  }
});
