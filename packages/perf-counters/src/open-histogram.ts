// The histogram of a series: one of two classes, by the kind of its buckets.
import { BoundsHistogram } from './bounds-histogram.ts';
import { ArgumentRangeError } from './errors.ts';
import type { Histogram } from './histogram.ts';
import { LogLinearHistogram } from './log-linear-histogram.ts';
import type { SlotSource } from './slot-handle.ts';

/** @throws RegistryDisposedError */
export function openHistogram(source: SlotSource): Histogram {
  const { buckets } = source;
  if (buckets === undefined) throw new ArgumentRangeError('buckets', buckets, 'the buckets of a histogram');
  return buckets.kind === 'bounds'
    ? new BoundsHistogram(source, buckets)
    : new LogLinearHistogram(source, buckets);
}
