// gzip (RFC 1952): members one behind the other, each a header, a deflate stream, and a checksum and size of what came out. The deflate
// streams are node:zlib's; members are told apart here, because zlib's own gunzip neither counts them nor says what it left over.
import { crc32, createInflateRaw } from 'node:zlib';
import { inflate, PIECE_BYTES } from './inflate.ts';
import type { Tally } from './tally.ts';

const HEADER_BYTES = 10;
const TRAILER_BYTES = 8;
const Flag = { HeaderCrc: 2, Extra: 4, Name: 8, Comment: 16, Reserved: 0xe0 } as const;

/** What follows the last member is refused, zeros too: a reader may take it for anything. */
export async function readGzip(input: Uint8Array, tally: Tally): Promise<void> {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  tally.beginOutput();
  let at = 0;
  do {
    const body = bodyOf(input, at);
    if (body === -1) {
      tally.refuse('corrupt', `no gzip member at byte ${at} of ${input.length}`);
      return;
    }
    if (!tally.member()) return;
    let sum = 0;
    let bytes = 0;
    const stream = createInflateRaw({ chunkSize: PIECE_BYTES });
    const taken = await inflate(stream, input.subarray(body), tally, (piece) => {
      sum = crc32(piece, sum);
      bytes += piece.length;
    });
    if (tally.isOver) return;
    const trailer = body + taken;
    at = trailer + TRAILER_BYTES;
    if (at > input.length) {
      tally.refuse('corrupt', `ends after ${input.length} bytes, expected at least ${at}`);
    } else if (view.getUint32(trailer, true) !== sum || view.getUint32(trailer + 4, true) !== bytes >>> 0) {
      tally.refuse('corrupt', `checksum or size of member ${tally.members} is wrong`);
    }
    if (tally.isOver) return;
  } while (at < input.length);
  tally.endOutput();
}

/** Where the deflate stream of the member at `at` begins; -1 where there is no member. */
function bodyOf(input: Uint8Array, at: number): number {
  if (at + HEADER_BYTES > input.length) return -1;
  if (input[at] !== 0x1f || input[at + 1] !== 0x8b || input[at + 2] !== 8) return -1;
  const flags = input[at + 3] ?? 0;
  if ((flags & Flag.Reserved) !== 0) return -1;
  let end = at + HEADER_BYTES;
  if ((flags & Flag.Extra) !== 0) end += 2 + (input[end] ?? 0) + ((input[end + 1] ?? 0) << 8);
  if ((flags & Flag.Name) !== 0) end = input.indexOf(0, end) + 1 || input.length + 1;
  if ((flags & Flag.Comment) !== 0) end = input.indexOf(0, end) + 1 || input.length + 1;
  if ((flags & Flag.HeaderCrc) !== 0) end += 2;
  if (end > input.length) return -1;
  if ((flags & Flag.HeaderCrc) !== 0) {
    const found = (input[end - 2] ?? 0) | ((input[end - 1] ?? 0) << 8);
    if (found !== (crc32(input.subarray(at, end - 2)) & 0xffff)) return -1;
  }
  return end;
}
