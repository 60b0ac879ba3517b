// What a payload says of itself in its first bytes.

/** Formats with a magic number: found without being told. */
export const SELF_EVIDENT = ['gzip', 'zip', 'xz', 'zstd'] as const;
/** Formats without one, as HTTP names them: only where declared. `deflate` is zlib's (RFC 1950), `deflate-raw` has no envelope (RFC 1951). */
const DECLARED_ONLY = ['br', 'deflate', 'deflate-raw'] as const;
export const FORMATS = [...SELF_EVIDENT, ...DECLARED_ONLY] as const;

export type SelfEvidentFormat = (typeof SELF_EVIDENT)[number];
export type Format = (typeof FORMATS)[number];
/** What a sender says that a payload is; `identity`: not compressed. */
export type Encoding = Format | 'identity';

/** Bytes that {@link formatOf} looks at. */
export const MAGIC_BYTES = 6;

/**
 * The format that the first bytes are the magic number of, or undefined. Looks at no more than 6 bytes, allocates nothing.
 *
 * gzip needs its third byte, the method, which no decoder takes for anything but 8: two bytes alone would call one in 65,536 random
 * payloads compressed. A zstd payload may begin with a skippable frame, which decoders step over.
 */
export function formatOf(bytes: Uint8Array): SelfEvidentFormat | undefined {
  switch (bytes[0]) {
    case 0x1f:
      return bytes[1] === 0x8b && bytes[2] === 0x08 ? 'gzip' : undefined;
    case 0x50:
      return isZip(bytes) ? 'zip' : isSkippable(bytes) ? 'zstd' : undefined;
    case 0xfd:
      return bytes[1] === 0x37 &&
        bytes[2] === 0x7a &&
        bytes[3] === 0x58 &&
        bytes[4] === 0x5a &&
        bytes[5] === 0
        ? 'xz'
        : undefined;
    case 0x28:
      return bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd ? 'zstd' : undefined;
    case undefined:
      return undefined;
    default:
      return isSkippable(bytes) ? 'zstd' : undefined;
  }
}

/** PK and 03 04 (an entry), 05 06 (no entries), or 07 08 (one volume of several). */
function isZip(bytes: Uint8Array): boolean {
  const third = bytes[2];
  return bytes[1] === 0x4b && (third === 3 || third === 5 || third === 7) && bytes[3] === third + 1;
}

function isSkippable(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & 0xf0) === 0x50 && bytes[1] === 0x2a && bytes[2] === 0x4d && bytes[3] === 0x18;
}
