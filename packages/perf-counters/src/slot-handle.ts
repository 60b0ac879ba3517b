// What a handle needs of its registry: its slot, and what all writers have in theirs.
import type { BucketShape } from './buckets.ts';
import type { Distribution } from './distribution.ts';
import type { FloatWords } from './slots.ts';

/** One series, as the registry of this thread sees it. */
export interface SlotSource {
  readonly floats: Pick<FloatWords, 'put' | 'get'>;
  readonly perUnit: number;
  readonly buckets: BucketShape | undefined;
  /** The words of this writer's slot; both callbacks get them. @throws RegistryDisposedError */
  open(
    bytes: number,
    initialize: ((words: Int32Array) => void) | undefined,
    repair: (words: Int32Array) => void,
  ): Int32Array;
  /** Of all writers, in units. @throws RegistryDisposedError */
  total(): number;
  distribution(): Distribution;
}

/**
 * Its fields that recording reads have a value of their type where they are declared. Without one a field is undefined first, and V8 then keeps
 * numbers in it tagged and checks what it is at every read: a sixth of the time of `Histogram.record` (measured).
 */
export interface SlotHandle {
  /** From now on every use throws. @internal */
  close(): void;
}

/**
 * The words that a released counter is left with: adding anything but 0 to them carries, and the slow way checks for them. So a
 * counter in use pays nothing for the check.
 */
export const RELEASED: Int32Array = new Int32Array([0x7fffffff, 0, 0]);
