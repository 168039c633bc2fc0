/** FNV-1a over the characters of a text, 32 bits: the same text always gives the same number. No secret is safe behind it. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) {
    hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193);
  }
  return hash >>> 0;
}

/** Eight hexadecimal digits that tell one text from another. */
export function fingerprint(text: string): string {
  return fnv1a(text).toString(16).padStart(8, "0");
}
