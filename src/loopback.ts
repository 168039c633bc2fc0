/** Whether a host, spelt as in a URL, is this machine itself: only there may a request go over plain http. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
