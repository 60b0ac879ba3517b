// An assertion for tests and for plain code: this hot path allocates nothing.
import { AllocationError, ArgumentRangeError } from './errors.ts';
import { measureGrowth, newLoop, type HeapGrowth, type Operation } from './heap-growth.ts';
import { beginMeasuring } from './measuring.ts';
import { checkNames } from './options.ts';
import { Rounds } from './rounds.ts';

export interface AllocationOptions {
  /** Operations of one sample; 10 000 by default. Seven samples are taken. */
  readonly iterations?: number;
  /** Operations before the first sample, so that the optimising compiler has seen them; `2 × iterations` by default. */
  readonly warmup?: number;
}

export interface ZeroAllocationOptions extends AllocationOptions {
  /** Most bytes per operation, by default 0.1: less than one object of 16 bytes in 100 operations. */
  readonly maxBytes?: number;
}

export interface AllocationMeasurement extends HeapGrowth {
  /** Operations that ran before the samples. */
  readonly warmup: number;
}

/** Most bytes per operation: less than one object of 16 bytes in 100 operations. */
export const MAX_BYTES_PER_OPERATION = 0.1;
/** Names of `AllocationOptions`. */
export const ALLOCATION_OPTIONS: readonly string[] = ['iterations', 'warmup'];

/**
 * Measures what an operation allocates on the JavaScript heap once it is hot. Synchronous; warms up twice, and runs seven samples of
 * `iterations` each time. Takes no flags, and works in worker threads and under vitest.
 *
 * A float that the operation returns may count (16 bytes, boxed) where the compiler cannot inline the operation: return nothing.
 * @throws ArgumentRangeError, also where the operation returns a promise: its allocations would happen after the measurement
 */
export function measureAllocation(
  operation: Operation,
  options: AllocationOptions = {},
): AllocationMeasurement {
  checkNames('options', options, ALLOCATION_OPTIONS);
  return measureUntil(operation, options, undefined);
}

/**
 * Asserts that an operation allocates nothing once it is hot.
 *
 * Where a round of samples is above the limit it pauses (1 ms, twice as long each time, 255 ms at most in all), so that the
 * compiler's own thread gets its turn on a busy machine, then warms up and measures again, up to 9 times, or 5 where it allocates so much
 * that collections run: an operation that really allocates does so in every round, one that was only not optimised yet stops. The calling thread blocks meanwhile.
 * @returns bytes per operation: median of seven samples, of the round that had least
 * @throws AllocationError above `maxBytes`, ArgumentRangeError
 */
export function expectZeroAllocation(operation: Operation, options: ZeroAllocationOptions = {}): number {
  checkNames('options', options, [...ALLOCATION_OPTIONS, 'maxBytes']);
  const maxBytes = checkMaxBytes(options);
  const { bytesPerOperation, samples, operations } = measureUntil(operation, options, maxBytes);
  if (bytesPerOperation > maxBytes)
    throw new AllocationError(bytesPerOperation, maxBytes, samples, operations);
  return bytesPerOperation;
}

function measureUntil(
  operation: Operation,
  options: AllocationOptions,
  enoughBytes: number | undefined,
): AllocationMeasurement {
  const { iterations, warmup } = checkCounts(options);
  const endMeasuring = beginMeasuring();
  try {
    const returned = operation(0);
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then === 'function')
      throw new ArgumentRangeError(
        'operation',
        'asynchronous',
        'a synchronous function: expectZeroAllocationAsync and measureAllocationAsync take others',
      );
    const loop = newLoop();
    const rounds = new Rounds(enoughBytes);
    let warmed = 1;
    while (true) {
      loop(operation, 0, warmup);
      warmed += warmup;
      const goesOn = rounds.goesOn(measureGrowth(loop, operation, iterations));
      if (!goesOn) return { ...(rounds.least as HeapGrowth), warmup: warmed };
      rounds.pause();
    }
  } finally {
    endMeasuring();
  }
}

/** With their defaults. @throws ArgumentRangeError */
export function checkCounts(options: AllocationOptions): Required<AllocationOptions> {
  const { iterations = 10_000, warmup = 2 * iterations } = options;
  checkCount('iterations', iterations, 1);
  checkCount('warmup', warmup, 0);
  return { iterations, warmup };
}

/** With its default. @throws ArgumentRangeError */
export function checkMaxBytes({ maxBytes = MAX_BYTES_PER_OPERATION }: ZeroAllocationOptions): number {
  if (!(maxBytes >= 0)) throw new ArgumentRangeError('maxBytes', maxBytes, 'a number of at least 0');
  return maxBytes;
}

function checkCount(argument: string, found: number, least: number): void {
  if (!Number.isSafeInteger(found) || found < least)
    throw new ArgumentRangeError(argument, found, `an integer of at least ${least}`);
}
