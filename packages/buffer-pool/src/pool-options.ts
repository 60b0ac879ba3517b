// What a pool is to be, and what it is where nothing else is said.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { FROM_ALL, FROM_FREE } from './layout.ts';
import { checkLeakDetection, type LeakDetection } from './leak-detector.ts';
import { checkPlacement, type PlacementOptions } from './placement.ts';
import { checkRange, MAX_BUFFERS, OWN_TOKENS, type PoolShape } from './pool-memory.ts';
import type { MemorySink, Pinner } from './ports.ts';

const POISON = 0xde;
const DEFAULT_WATERMARKS = { high: 0.8, low: 0.6 };
/** Guessed: as many as io_uring batches have at a time. */
const DEFAULT_CACHE_BUFFERS = 16;

export interface BufferPoolOptions extends PlacementOptions {
  /** How many: 1 to 1 048 576. */
  readonly buffers: number;
  /** How many the pool may grow to; `buffers` by default. Memory for all of them is taken of the arena at once, touched when first used. */
  readonly maxBuffers?: number;
  /**
   * When it grows: by `resize` alone (`'manual'`, the default), or also where an acquire finds none free, by that one (`'demand'`). It
   * shrinks by `resize` alone.
   */
  readonly growth?: 'manual' | 'demand';
  /** Shares of the buffers that are not available: pressure begins above `high`, 0.8 by default, and ends at `low`, 0.6, or below. */
  readonly watermarks?: { readonly high: number; readonly low: number };
  /** Bytes of each, at least 1. */
  readonly bufferBytes: number;
  /** Alignment of each: a power of two up to 2 MiB, 4096 by default. Buffers are padded to multiples of it. */
  readonly alignBytes?: number;
  /** Fill a buffer with zeros when it is released (default false: it keeps what the last holder wrote). */
  readonly zeroOnRelease?: boolean;
  /** Fill a buffer with 0xDE when it is released, so that whoever reads it afterwards shows (default false). */
  readonly poison?: boolean;
  /** Threads that may lease at once, with those that ended and were not reclaimed: 1 to 1024, 64 by default. */
  readonly maxOwners?: number;
  /**
   * Free buffers that a thread may keep to itself: 0 to 256; by default 16, in pools of less than 64 a quarter of them. Others take them
   * where nothing else is free.
   */
  readonly cacheBuffers?: number;
  /** Leases of this thread that are traced, to find those that are not returned: none by default. */
  readonly leakDetection?: LeakDetection;
  /** What the memory is called at the sink, `buffer-pool` by default. */
  readonly tag?: string;
  readonly sink?: MemorySink;
  readonly pinner?: Pinner;
}

/**
 * What the options ask for, with defaults; looks at all that is not checked by `PoolMemory.bytesFor`, so that both together say whether a pool can be
 * had before anything is taken for it.
 * @throws ArgumentRangeError
 */
export function poolShape(options: BufferPoolOptions, tokens = OWN_TOKENS): PoolShape {
  const { buffers, maxBuffers = buffers, bufferBytes, alignBytes = 4096, maxOwners = 64 } = options;
  const { growth = 'manual', watermarks: { high, low } = DEFAULT_WATERMARKS } = options;
  const { zeroOnRelease = false, poison = false } = options;
  checkRange('buffers', buffers, 1, MAX_BUFFERS);
  checkPlacement(options);
  checkLeakDetection(options.leakDetection);
  const { cacheBuffers = Math.min(DEFAULT_CACHE_BUFFERS, Math.floor(buffers / 4)) } = options;
  if (zeroOnRelease && poison)
    throw new ArgumentRangeError('poison', true, 'false where zeroOnRelease is true');
  if (growth !== 'manual' && growth !== 'demand')
    throw new ArgumentRangeError('growth', growth, "'manual' or 'demand'");
  if (!(low >= 0 && low < high && high <= 1))
    throw new ArgumentRangeError('watermarks', `${low} to ${high}`, 'shares from 0 to 1, low below high');
  // A mark that is not 1 is below all buffers, and one that is not 0 above none: rounding makes neither `never` nor what attaching refuses.
  const highPermille = high === 1 ? 1000 : Math.min(999, Math.max(1, Math.round(high * 1000)));
  return {
    buffers,
    maxBuffers,
    growth: growth === 'demand' ? FROM_ALL : FROM_FREE,
    highPermille,
    lowPermille: Math.min(Math.round(low * 1000), highPermille - 1),
    bufferBytes,
    alignBytes,
    maxOwners,
    cacheBuffers,
    fill: poison ? POISON : zeroOnRelease ? 0 : -1,
    tokens,
  };
}
