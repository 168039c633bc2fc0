/** A code that may be shown. The SDK makes the text "undefined" of one that the answer did not have. */
export function codeIn(text: string): string | undefined {
  return /^[\w.-]{1,64}$/.test(text) && text !== "undefined" && text !== "null" ? text : undefined;
}

const LONGEST_WORDS = 200;
const NO_WORDS = "no reason given";

/** The cloud's own words on one line, without what could hold a URL, a key, a token or what was signed. */
export function plainWords(message: unknown): string {
  if (typeof message !== "string") return NO_WORDS;
  const plain = message
    .replaceAll(/\s+/g, " ")
    .replace(/,? ?(server )?string to sign.*/i, "")
    .replaceAll(/\bhttps?:\/\/\S+/gi, "(address)")
    .replaceAll(/\b(LTAI|STS\.|TMP\.)[\w.]+/g, "(key)")
    .replaceAll(/[\w+/=%]{40,}/g, "(token)")
    .trim();
  return plain === "" ? NO_WORDS : plain.slice(0, LONGEST_WORDS);
}

/** CloudMonitor's 403 stands for "not authorised" and for "too fast"; only its words tell which. */
export function speaksOfRate(words: string): boolean {
  return /rate ?limit|flow control|throttl|too (many|frequent)/i.test(words);
}
