// One stream of node:zlib from its first byte to its last, piece by piece. The work is done on Node's thread pool; each piece is counted
// and dropped before the next one is made, so that no more than one is held.
import type { BrotliDecompress, Inflate, InflateRaw, ZstdDecompress } from 'node:zlib';
import type { Tally } from './tally.ts';

/** Output at a time: the most that is made beyond a cap. Measured (suite `state`, group `guard`): 16 KiB takes three times as long. */
export const PIECE_BYTES = 65_536;

/** Failures that are no fault of the payload. */
const OUT_OF_MEMORY = /MEM_ERROR|ALLOC|memory_allocation/;

/**
 * @param see each piece that was within the caps
 * @returns how many bytes of the input the stream took
 */
export async function inflate(
  stream: BrotliDecompress | Inflate | InflateRaw | ZstdDecompress,
  input: Uint8Array,
  tally: Tally,
  see?: (piece: Uint8Array) => void,
): Promise<number> {
  const closed = new Promise<void>((resolve) => void stream.once('close', resolve));
  await new Promise<void>((resolve) => {
    stream.on('data', (piece: Buffer) => {
      if (tally.take(piece)) see?.(piece);
    });
    stream.once('end', resolve);
    stream.on('error', (error: Error & { readonly code?: string }) => {
      const { code = '', message } = error;
      if (OUT_OF_MEMORY.test(code)) tally.fail(error);
      else if (code === 'Z_NEED_DICT') tally.refuse('unsupported', 'it needs a preset dictionary');
      else tally.refuse('corrupt', message);
      resolve();
    });
    tally.onOver(resolve);
    stream.end(input);
  });
  tally.onOver(undefined);
  const taken = stream.bytesWritten;
  // In the middle of its input no further piece is made.
  stream.destroy();
  await closed;
  return taken;
}
