// Formats that are one stream and nothing around it.
import { createBrotliDecompress, createInflate, createInflateRaw } from 'node:zlib';
import { inflate, PIECE_BYTES } from './inflate.ts';
import type { Reader, Tally } from './tally.ts';

async function readOne(
  stream: Parameters<typeof inflate>[0],
  input: Uint8Array,
  tally: Tally,
): Promise<void> {
  if (!tally.member()) {
    stream.destroy();
    return;
  }
  tally.beginOutput();
  const taken = await inflate(stream, input, tally);
  // What follows the end of the stream would be passed on with it, unseen.
  if (taken < input.length)
    tally.refuse('corrupt', `${input.length - taken} bytes behind the end of the stream at byte ${taken}`);
  if (!tally.isOver) tally.endOutput();
}

const options = { chunkSize: PIECE_BYTES };

/** Its window is 16 MiB at most, by its format: larger ones are an extension that node:zlib refuses. */
export const readBrotli: Reader = (input, tally) => readOne(createBrotliDecompress(options), input, tally);
export const readDeflate: Reader = (input, tally) => readOne(createInflate(options), input, tally);
export const readDeflateRaw: Reader = (input, tally) => readOne(createInflateRaw(options), input, tally);
