/** What a reader is asked for. */
import { IoArgumentError } from '../errors.ts';
import { checkSignal } from '../operation-options.ts';
import type { BufferSource, PooledBuffer } from '../ports.ts';

/** Measured (test/stream-cost.ts): fewer leave the reader waiting, more fall out of the cache. */
const READ_AHEAD = 4;
const MAX_READ_AHEAD = 1024;

export interface ChunkOptions<Kind extends PooledBuffer = PooledBuffer> {
  /** Where the buffers come from; by default they are the ring's own, of 512 KiB. */
  readonly pool?: BufferSource<Kind>;
  /** The first byte, 0 by default. What has no positions (a pipe, a terminal) is read from where it is, unless this is said. */
  readonly start?: number | undefined;
  /** The last byte, as in `fs.createReadStream`; by default all that there is. */
  readonly end?: number | undefined;
  /** Bytes of a piece, but for the last one: as many as the buffers have by default. */
  readonly chunkBytes?: number | undefined;
  /** Reads under way at most, 1 to 1024: 4 by default. Those beyond the first are begun only with buffers that are free at once. */
  readonly readAhead?: number | undefined;
  /** Ends it: everything that is under way is cancelled, and `next` rejects with `signal.reason` once the kernel has let go. */
  readonly signal?: AbortSignal | undefined;
}

export interface ReadPlan<Kind extends PooledBuffer> {
  readonly pool: BufferSource<Kind>;
  readonly start: number;
  /** `start` was said. */
  readonly positioned: boolean;
  /** Behind the last byte; Infinity. */
  readonly end: number;
  readonly chunkBytes: number;
  readonly readAhead: number;
  readonly signal: AbortSignal | undefined;
}

/** @throws IoArgumentError */
export function planRead<Kind extends PooledBuffer>(
  options: ChunkOptions<Kind>,
  own: BufferSource,
): ReadPlan<Kind> {
  const { pool = own as BufferSource<Kind>, start = 0, end = Number.POSITIVE_INFINITY, signal } = options;
  checkPool(pool);
  const { readAhead = READ_AHEAD, chunkBytes = pool.bufferBytes } = options;
  checkSignal(signal);
  checkWhole('start', start, 0, Number.MAX_SAFE_INTEGER);
  if (end !== Number.POSITIVE_INFINITY) checkWhole('end', end, start, Number.MAX_SAFE_INTEGER);
  checkWhole('chunkBytes', chunkBytes, 1, pool.bufferBytes);
  checkWhole('readAhead', readAhead, 1, MAX_READ_AHEAD);
  const positioned = options.start !== undefined;
  return { pool, start, positioned, end: end + 1, chunkBytes, readAhead, signal };
}

/** @throws IoArgumentError */
export function checkPool(found: unknown): void {
  const pool = found as Partial<BufferSource> | null;
  if (
    typeof pool?.tryAcquire !== 'function' ||
    typeof pool.acquire !== 'function' ||
    typeof pool.bufferBytes !== 'number'
  )
    throw new IoArgumentError(
      'pool',
      found,
      'a BufferPool, or what else has buffers of one size: `tryAcquire`, `acquire`, `bufferBytes`',
    );
}

export function checkWhole(name: string, found: unknown, least: number, most: number): void {
  if (typeof found !== 'number' || !Number.isInteger(found) || found < least || found > most)
    throw new IoArgumentError(name, found, `a whole number from ${least} to ${most}`);
}
