// zip: every entry inflated, one after the other; the sum counts.
import { crc32, createInflateRaw } from 'node:zlib';
import { inflate, PIECE_BYTES } from './inflate.ts';
import type { Tally } from './tally.ts';
import { zipEntries, type ZipEntry } from './zip-directory.ts';

export async function readZip(input: Uint8Array, tally: Tally): Promise<void> {
  const entries = await zipEntries(input, tally);
  if (entries === undefined) return;
  for (const entry of entries) {
    tally.beginOutput();
    await readEntry(input.subarray(entry.from, entry.to), entry, tally);
    if (tally.isOver) return;
    tally.endOutput();
  }
}

async function readEntry(data: Uint8Array, entry: ZipEntry, tally: Tally): Promise<void> {
  let sum = 0;
  let bytes = 0;
  const see = (piece: Uint8Array): void => {
    sum = crc32(piece, sum);
    bytes += piece.length;
  };
  if (entry.stored) {
    for (let at = 0; at < data.length; at += PIECE_BYTES) {
      const piece = data.subarray(at, at + PIECE_BYTES);
      if (!tally.take(piece)) return;
      see(piece);
    }
  } else {
    const taken = await inflate(createInflateRaw({ chunkSize: PIECE_BYTES }), data, tally, see);
    if (taken !== data.length)
      tally.refuse('corrupt', `entry ${entry.index} ends after ${taken} of ${data.length} bytes`);
  }
  if (sum !== entry.crc32 || bytes !== entry.bytes)
    tally.refuse('corrupt', `checksum or size of entry ${entry.index} is wrong`);
}
