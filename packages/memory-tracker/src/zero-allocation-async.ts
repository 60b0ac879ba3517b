// The assertion for hot paths that are awaited: this one allocates nothing beyond its promise.
import { types } from 'node:util';
import {
  AwaitedBatches,
  newPromise,
  oldPromise,
  type AsyncOperation,
  type AwaitedGrowth,
} from './awaited-growth.ts';
import { AllocationError, ArgumentRangeError } from './errors.ts';
import { beginMeasuring } from './measuring.ts';
import { checkNames } from './options.ts';
import { Rounds } from './rounds.ts';
import {
  ALLOCATION_OPTIONS,
  checkCounts,
  checkMaxBytes,
  type AllocationMeasurement,
  type AllocationOptions,
} from './zero-allocation.ts';

export interface AsyncAllocationOptions extends AllocationOptions {
  /**
   * What is not counted: an operation that is measured as often, and awaited too. By default a promise that is settled: a new one each time or,
   * where the operation does not make one each time, one that is there. For an operation that waits for something itself, one that waits as often:
   * `async () => { await settled; }`.
   */
  readonly baseline?: AsyncOperation;
  /** Gives up; the operation that runs is not stopped. */
  readonly signal?: AbortSignal;
}

export interface ZeroAllocationAsyncOptions extends AsyncAllocationOptions {
  /** Most bytes per operation beyond the baseline, by default 0.1: less than one object of 16 bytes in 100 operations. */
  readonly maxBytes?: number;
}

export interface AsyncAllocationMeasurement extends AllocationMeasurement {
  /** What the baseline allocates with its await, per operation: it is not in `bytesPerOperation`. */
  readonly baselineBytes: number;
}

/** Names of `AsyncAllocationOptions`. */
export const ASYNC_ALLOCATION_OPTIONS: readonly string[] = [...ALLOCATION_OPTIONS, 'baseline', 'signal'];
/** Guessed: calls in which an operation shows what it returns. */
const TRIAL_CALLS = 64;
/** Noise of a batch. A baseline that has more than the operation, by more than that, hides something. */
const MAX_BELOW_BYTES = 1;

/**
 * Measures what an operation allocates on the JavaScript heap until its promise is settled, once it is hot, beyond what a promise and its await
 * take. Each is awaited before the next. What else runs on the thread meanwhile counts too. One measurement at a time on a thread.
 *
 * An operation that waits for something itself has a frame that outlives its call, and an await: some 350 bytes, and 8 for each of its variables.
 * They count, unless a `baseline` has them too.
 * @throws ArgumentRangeError, also where the operation returns no promise, or allocates less than its baseline; AllocationUnmeasurableError
 *   where another measurement runs on this thread: it was not awaited; the reason of `signal`; what the operation throws
 */
export async function measureAllocationAsync(
  operation: AsyncOperation,
  options: AsyncAllocationOptions = {},
): Promise<AsyncAllocationMeasurement> {
  checkNames('options', options, ASYNC_ALLOCATION_OPTIONS);
  return measureUntil(operation, options, undefined);
}

/**
 * Asserts that an operation allocates nothing beyond its promise, as `expectZeroAllocation` does of synchronous ones. Await it: a failure is a
 * rejection, and another measurement is refused until it is over.
 * @returns bytes per operation beyond the baseline: median of seven samples, of the round that had least
 * @throws AllocationError above `maxBytes`, and what `measureAllocationAsync` throws
 */
export async function expectZeroAllocationAsync(
  operation: AsyncOperation,
  options: ZeroAllocationAsyncOptions = {},
): Promise<number> {
  checkNames('options', options, [...ASYNC_ALLOCATION_OPTIONS, 'maxBytes']);
  const maxBytes = checkMaxBytes(options);
  const measured = await measureUntil(operation, options, maxBytes);
  const { bytesPerOperation, samples, operations, baselineBytes } = measured;
  if (bytesPerOperation > maxBytes)
    throw new AllocationError(bytesPerOperation, maxBytes, samples, operations, baselineBytes);
  return bytesPerOperation;
}

async function measureUntil(
  operation: AsyncOperation,
  options: AsyncAllocationOptions,
  enoughBytes: number | undefined,
): Promise<AsyncAllocationMeasurement> {
  const { signal, baseline } = options;
  const { iterations, warmup } = checkCounts(options);
  for (const [name, given] of Object.entries({ operation, ...(baseline && { baseline }) }))
    if (typeof given !== 'function') throw new ArgumentRangeError(name, given, 'a function');
  signal?.throwIfAborted();
  const endMeasuring = beginMeasuring();
  let onAbort: (() => void) | undefined;
  let batches: AwaitedBatches | undefined;
  const measure = async (): Promise<AsyncAllocationMeasurement> => {
    const calls = Math.min(TRIAL_CALLS, Math.max(2, iterations));
    const usual = await usualBaseline(operation, calls);
    signal?.throwIfAborted();
    batches = new AwaitedBatches(operation, baseline ?? usual);
    const rounds = new Rounds<AwaitedGrowth>(enoughBytes);
    for (let warmed = calls; ;) {
      await batches.warm(warmup);
      warmed += warmup;
      const growth = await batches.measure(iterations);
      signal?.throwIfAborted();
      const isBelow = growth.bytesPerOperation < -MAX_BELOW_BYTES;
      const figures = { ...growth, bytesPerOperation: Math.max(0, growth.bytesPerOperation) };
      if (!rounds.goesOn(figures, !isBelow)) {
        if (rounds.least !== undefined) return { ...rounds.least, warmup: warmed };
        throw new ArgumentRangeError(
          'baseline',
          `${(-growth.bytesPerOperation).toFixed(1)} bytes more than the operation`,
          'at most as much',
        );
      }
      rounds.pause();
    }
  };
  try {
    if (signal === undefined) return await measure();
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', onAbort);
    });
    return await Promise.race([measure(), aborted]);
  } finally {
    batches?.stop();
    if (onAbort) signal?.removeEventListener('abort', onAbort);
    endMeasuring();
  }
}

/** What it returns says which: a new promise each time is one that somebody has made. @throws ArgumentRangeError where it returns none at all */
async function usualBaseline(operation: AsyncOperation, calls: number): Promise<AsyncOperation> {
  const returned = new Set<unknown>();
  let thenables = 0;
  for (let call = 0; call < calls; call++) {
    const promise: unknown = operation(call);
    if (typeof (promise as PromiseLike<unknown> | undefined)?.then === 'function') thenables++;
    if (types.isPromise(promise)) returned.add(promise);
    await promise;
  }
  if (thenables === 0)
    throw new ArgumentRangeError(
      'operation',
      'synchronous',
      'a function that returns a promise: expectZeroAllocation and measureAllocation take others',
    );
  return returned.size === calls ? newPromise : oldPromise;
}
