import type { ObservedElsewhere } from "./observation.ts";
import type { Text } from "./text.ts";

/** A loss outside softnet, and where it happens: never a finding, but the next place to look. */
export interface ElsewhereNote extends ObservedElsewhere {
  readonly means: Text;
}

export function elsewhereNotes(observed: readonly ObservedElsewhere[]): readonly ElsewhereNote[] {
  return observed.map((one) => ({ ...one, means: MEANING[one.counter] }));
}

const MEANING: Readonly<Record<ObservedElsewhere["counter"], Text>> = {
  UdpRcvbufErrors: {
    en: "a UDP socket's receive buffer is full: the program reads too slowly, or net.core.rmem_max is too small",
    zh: "UDP 套接字的接收缓冲区已满：程序读取太慢，或 net.core.rmem_max 太小",
  },
  TcpExtListenOverflows: {
    en: "a listening socket's accept queue is full: the program accepts too slowly, or its backlog (net.core.somaxconn) is too small",
    zh: "监听套接字的 accept 队列已满：程序 accept 太慢，或其 backlog（net.core.somaxconn）太小",
  },
  TcpExtListenDrops: {
    en: "connection requests are dropped at a listening socket",
    zh: "监听套接字丢弃了连接请求",
  },
  TcpExtTCPBacklogDrop: {
    en: "a TCP socket's own backlog is full while its program holds the socket",
    zh: "程序占用 TCP 套接字期间，该套接字自身的 backlog 已满",
  },
  conntrack_drop: {
    en: "connection tracking drops packets: its table is full (net.netfilter.nf_conntrack_max)",
    zh: "连接跟踪丢弃了数据包：连接跟踪表已满（net.netfilter.nf_conntrack_max）",
  },
  rx_missed_errors: {
    en: "the NIC loses packets before the kernel gets them: its ring is full, or the instance's packet rate is used up",
    zh: "数据包在到达内核之前就被网卡丢弃：网卡环形缓冲区已满，或实例的收包能力（PPS）已用尽",
  },
};
