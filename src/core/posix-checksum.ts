/**
 * What `cksum < FILE` prints, as the journal notes it: the checksum and the number of bytes, joined by a colon.
 *
 * Source: POSIX.1-2017, cksum: a CRC of polynomial 0x04c11db7 over the bytes and then over the length, least significant byte first.
 */
export function posixChecksum(bytes: Uint8Array): string {
  let crc = 0;
  for (const byte of bytes) crc = crcAfter(crc, byte);
  for (let length = bytes.length; length > 0; length = Math.floor(length / 256)) {
    crc = crcAfter(crc, length & 0xff);
  }
  return `${~crc >>> 0}:${bytes.length}`;
}

function crcAfter(crc: number, byte: number): number {
  let next = crc ^ (byte << 24);
  for (let bit = 0; bit < 8; bit++) next = next < 0 ? (next << 1) ^ 0x04_c1_1d_b7 : next << 1;
  return next;
}
