export interface ViewOptions {
  /** Existing directories whose changes the command sees and nobody else does; they are forgotten with it. */
  readonly scratch?: readonly string[];
}

/**
 * Wraps a command so that it sees this machine as it is, except that `/sys/class/net` holds the interfaces of a lab's
 * namespace only: no real interface is within its reach.
 *
 * The `net.core.netdev_*` sysctls exist in the initial network namespace alone, and `/proc/sys` follows the one who reads;
 * `/sys` follows the one who mounted it. So we mount in the lab's namespace and come back. The command dies with its parent.
 */
export function viewCommand(
  namespace: string,
  command: string,
  args: readonly string[],
  { scratch = [] }: ViewOptions = {},
): { readonly command: string; readonly args: readonly string[] } {
  // The list of namespaces is of no use to the command, so its directory may hold what the overlays need.
  const room = "/run/netns";
  const steps = [
    "mount -t sysfs sysfs /sys",
    ...(scratch.length > 0 ? [`mount -t tmpfs tmpfs ${room}`] : []),
    ...scratch.flatMap((dir, i) => [
      `mkdir ${room}/upper${i} ${room}/work${i}`,
      `mount -t overlay overlay -o lowerdir=${dir},upperdir=${room}/upper${i},workdir=${room}/work${i} ${dir}`,
    ]),
    `exec nsenter --net=/proc/${process.pid}/ns/net -- setpriv --pdeathsig KILL -- "$@"`,
  ];
  return {
    command: "nsenter",
    args: [
      `--net=/run/netns/${namespace}`,
      "--",
      "unshare",
      "--mount",
      "--propagation=private",
      "--",
      "sh",
      "-c",
      steps.join(" && "),
      "sh",
      command,
      ...args,
    ],
  };
}
