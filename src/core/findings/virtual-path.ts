import type { Finding } from "../finding.ts";
import type { InterfaceKind } from "../host-settings.ts";
import type { Text } from "../text.ts";
import { namesText, percentText } from "../wording.ts";
import { type Case, evidenceOf } from "./case.ts";

/** The packets are lost on an interface that exists in software only, which nobody suspects of having a receive queue. */
export function virtualPath({ suffering }: Case): Finding | undefined {
  const virtual = suffering.interfaces.filter(({ kind }) => KIND_TEXT[kind] !== undefined);
  if (virtual.length === 0) return undefined;
  const names = namesText(virtual.map(({ name }) => name));
  const kinds = [...new Set(virtual.map(({ kind }) => KIND_TEXT[kind]!))];
  const kindsEn = namesText(kinds.map(({ en }) => en)).en;
  const kindsZh = namesText(kinds.map(({ zh }) => zh)).zh;
  const share = Math.min(
    1,
    virtual.reduce((total, { shareOfDropped }) => total + shareOfDropped!, 0),
  );
  const portion = percentText(share * 100);
  const losses: Text =
    share < 0.95
      ? { en: `${portion.en} of the losses are`, zh: `${portion.zh} 的丢包` }
      : { en: "The losses are", zh: "丢包" };
  return {
    code: "virtual-path",
    severity: "reason",
    confidence: 0.9,
    summary: {
      en: `${losses.en} on ${names.en} (${kindsEn}), not on a NIC. Its packets pass the backlog queue too (net.core.netdev_max_backlog).`,
      zh: `${losses.zh}发生在 ${names.zh}（${kindsZh}）上，而不是网卡。其数据包同样要经过 backlog 队列（net.core.netdev_max_backlog）。`,
    },
    evidence: evidenceOf({
      interfaces: virtual.map(({ name }) => name),
      kinds: virtual.map(({ kind }) => kind),
      shareOfDropped: share,
    }),
    remedy: null,
  };
}

/** Undefined for what passes on a NIC's packets without a queue of its own. */
const KIND_TEXT: Readonly<Record<InterfaceKind, Text | undefined>> = {
  loopback: { en: "the loopback interface", zh: "回环接口" },
  veth: { en: "a container's veth pair", zh: "容器的 veth" },
  tunnel: { en: "a tunnel", zh: "隧道" },
  bridge: { en: "a bridge", zh: "网桥" },
  virtual: { en: "a virtual interface", zh: "虚拟接口" },
  nic: undefined,
  vlan: undefined,
  bond: undefined,
};
