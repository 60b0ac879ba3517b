// Does a payload begin like a compressed file? As `formatOf` of the compression guard, but in place, so that a packed batch needs no
// view for each payload.

/** First bytes of magic numbers, 1 each: of all others nothing more is looked at. */
const FIRST = new Uint8Array(256);
for (const first of [0x1f, 0x28, 0xfd]) FIRST[first] = 1;
FIRST.fill(1, 0x50, 0x60);

/** Is it the magic number of a gzip, zip, xz or zstd file? @param at index of the first byte */
export function looksCompressed(bytes: Uint8Array, at: number, length: number): boolean {
  return length >= 3 && FIRST[bytes[at] as number] === 1 && isMagic(bytes, at, length);
}

function isMagic(bytes: Uint8Array, at: number, length: number): boolean {
  const first = bytes[at];
  if (first === 0x1f) return bytes[at + 1] === 0x8b && bytes[at + 2] === 0x08;
  if (length < 4) return false;
  if (first === 0x28) return bytes[at + 1] === 0xb5 && bytes[at + 2] === 0x2f && bytes[at + 3] === 0xfd;
  if (first === 0xfd) return length >= 6 && isXz(bytes, at);
  return isZip(bytes, at) || isSkippable(bytes, at);
}

function isXz(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at + 1] === 0x37 &&
    bytes[at + 2] === 0x7a &&
    bytes[at + 3] === 0x58 &&
    bytes[at + 4] === 0x5a &&
    bytes[at + 5] === 0
  );
}

/** PK and 03 04 (an entry), 05 06 (no entries), or 07 08 (one volume of several). */
function isZip(bytes: Uint8Array, at: number): boolean {
  if (bytes[at + 1] !== 0x4b || bytes[at] !== 0x50) return false;
  const third = bytes[at + 2];
  return (third === 3 || third === 5 || third === 7) && bytes[at + 3] === third + 1;
}

/** A zstd file may begin with a frame that decoders step over. */
function isSkippable(bytes: Uint8Array, at: number): boolean {
  return (
    bytes[at + 1] === 0x2a &&
    ((bytes[at] as number) & 0xf0) === 0x50 &&
    bytes[at + 2] === 0x4d &&
    bytes[at + 3] === 0x18
  );
}
