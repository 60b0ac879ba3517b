// Whether memory grows: a trend in what is left after collections.
//
// A heap is a saw: it rises until a collection. So the window is cut into blocks, and of each the least value counts, which is near
// what is alive; the trend is that of these. It also takes away most of what neighbouring samples have in common.
// Tried and rejected: the trend of all samples: a saw that ends high, or begins low, is a trend of its own; and a straight line by least
// squares, which one large request in the end tilts.
import { ArgumentRangeError } from '../errors.ts';
import { checkNames } from '../options.ts';
import { trendOf, zOfTail } from './trend.ts';

export interface GrowthOptions {
  /** Confidence that there is growth, one-sided; 0.999 by default: one false alarm in a thousand windows without a trend. */
  readonly confidence?: number;
  /** Fewer are too few; 40 by default, and at least two a block. */
  readonly minSamples?: number;
  /** Blocks of the window, of which the least sample counts; 20 by default, at least 8. */
  readonly blocks?: number;
  /** Growth over the window that is too little to mention: 64 KB by default. */
  readonly minGrowthBytes?: number;
  /** The same as a share of what there is; 0.01 by default. */
  readonly minGrowthShare?: number;
}

export interface GrowthReport {
  /**
   * `growing`: a significant rise, and enough to mention. `no evidence`: none, which does not say that there is no growth. `too few
   * samples`: no statement.
   */
  readonly verdict: 'growing' | 'no evidence' | 'too few samples';
  /** Samples in the window. */
  readonly samples: number;
  readonly windowMs: number;
  /** Of the trend, whatever the verdict; NaN with too few samples. */
  readonly bytesPerMinute: number;
  /** Its interval, two-sided at 95 %. */
  readonly bytesPerMinuteLow: number;
  readonly bytesPerMinuteHigh: number;
  /** 1 less the probability of such a rise, or more, where there is no trend. */
  readonly confidence: number;
}

const MS_PER_MINUTE = 60_000;
const Z_95 = 1.959964;
/**
 * Each half of the window has to rise too: memory that wanders (a cache that fills, load that comes and goes) often rises over a window,
 * seldom in both halves of it. Measured: it takes away two thirds of the false alarms on series that depend strongly on the past.
 */
const Z_OF_HALF = 1;
/** All pairs of them are compared: 500 000. */
const MAX_BLOCKS = 1000;
const DEFAULTS = {
  confidence: 0.999,
  minSamples: 40,
  blocks: 20,
  minGrowthBytes: 65_536,
  minGrowthShare: 0.01,
} as const satisfies Required<GrowthOptions>;

/**
 * @param timesMs rising
 * @param bytes as many; samples that are not finite are left out
 * @throws ArgumentRangeError
 */
export function assessGrowth(
  timesMs: readonly number[],
  bytes: readonly number[],
  options: GrowthOptions = {},
): GrowthReport {
  const { confidence, minSamples, blocks, minGrowthBytes, minGrowthShare } = growthOptions(options);
  if (timesMs.length !== bytes.length)
    throw new ArgumentRangeError('timesMs', timesMs.length, `as many as bytes, ${bytes.length}`);
  const kept = bytes.map((_, i) => i).filter((i) => Number.isFinite(bytes[i]));
  const samples = kept.length;
  const windowMs =
    samples < 2 ? 0 : (timesMs[kept.at(-1) as number] as number) - (timesMs[kept[0] as number] as number);
  if (samples < Math.max(minSamples, 2 * blocks) || windowMs <= 0) {
    return {
      verdict: 'too few samples',
      samples,
      windowMs,
      bytesPerMinute: NaN,
      bytesPerMinuteLow: NaN,
      bytesPerMinuteHigh: NaN,
      confidence: NaN,
    };
  }
  const least = leastOfBlocks(kept, bytes, blocks);
  const x = least.map((i) => (timesMs[i] as number) / MS_PER_MINUTE);
  const y = least.map((i) => bytes[i] as number);
  const trend = trendOf(x, y, Z_95);
  const half = blocks >> 1;
  const goesOn = [0, blocks - half].every(
    (from) => trendOf(x.slice(from, from + half), y.slice(from, from + half), Z_95).z > Z_OF_HALF,
  );
  const growth = (trend.slope * windowMs) / MS_PER_MINUTE;
  const level = Math.max(...y);
  const isGrowing =
    trend.z > zOfTail(1 - confidence) &&
    trend.slopeLow > 0 &&
    goesOn &&
    growth >= minGrowthBytes &&
    growth >= minGrowthShare * level;
  return {
    verdict: isGrowing ? 'growing' : 'no evidence',
    samples,
    windowMs,
    bytesPerMinute: trend.slope,
    bytesPerMinuteLow: trend.slopeLow,
    bytesPerMinuteHigh: trend.slopeHigh,
    confidence: 1 - trend.pValue,
  };
}

/** Indexes of the least sample of each block, of blocks of the same number of samples, but for one. */
function leastOfBlocks(kept: readonly number[], bytes: readonly number[], blocks: number): number[] {
  return Array.from({ length: blocks }, (_, block) => {
    const from = Math.floor((block * kept.length) / blocks);
    const to = Math.floor(((block + 1) * kept.length) / blocks);
    const indexes = kept.slice(from, to);
    return indexes.reduce((least, i) => ((bytes[i] as number) < (bytes[least] as number) ? i : least));
  });
}

/** With their defaults. @throws ArgumentRangeError */
export function growthOptions(options: GrowthOptions): Required<GrowthOptions> {
  checkNames('growth', options, Object.keys(DEFAULTS));
  const {
    confidence = DEFAULTS.confidence,
    minSamples = DEFAULTS.minSamples,
    blocks = DEFAULTS.blocks,
    minGrowthBytes = DEFAULTS.minGrowthBytes,
    minGrowthShare = DEFAULTS.minGrowthShare,
  } = options;
  if (!(confidence > 0.5 && confidence < 1))
    throw new ArgumentRangeError('growth.confidence', confidence, 'a number between 0.5 and 1');
  if (!Number.isInteger(blocks) || blocks < 8 || blocks > MAX_BLOCKS)
    throw new ArgumentRangeError('growth.blocks', blocks, `an integer from 8 to ${MAX_BLOCKS}`);
  if (!Number.isInteger(minSamples) || minSamples < 2)
    throw new ArgumentRangeError('growth.minSamples', minSamples, 'an integer of at least 2');
  for (const [name, value] of Object.entries({ minGrowthBytes, minGrowthShare }))
    if (!(value >= 0)) throw new ArgumentRangeError(`growth.${name}`, value, 'a number of at least 0');
  return { confidence, minSamples, blocks, minGrowthBytes, minGrowthShare };
}
