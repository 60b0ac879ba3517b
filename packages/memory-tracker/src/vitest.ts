// Matchers for vitest, and for whatever else has `expect.extend`. Nothing of a test runner is imported.
import type { AsyncOperation } from './awaited-growth.ts';
import { AllocationError, ArgumentRangeError } from './errors.ts';
import type { Operation } from './heap-growth.ts';
import { checkNames } from './options.ts';
import {
  ALLOCATION_OPTIONS,
  expectZeroAllocation,
  MAX_BYTES_PER_OPERATION,
  type AllocationOptions,
} from './zero-allocation.ts';
import {
  ASYNC_ALLOCATION_OPTIONS,
  expectZeroAllocationAsync,
  type AsyncAllocationOptions,
} from './zero-allocation-async.ts';

/** What a matcher returns. */
export interface AllocationMatch {
  readonly pass: boolean;
  readonly message: () => string;
  /** Bytes per operation. */
  readonly actual: number;
  /** The most that was expected. */
  readonly expected: number;
}

/**
 * `expect.extend(allocationMatchers)`, then `expect(operation).toAllocateNothing()` and `expect(operation).toAllocateAtMost(64)`:
 * `expectZeroAllocation`, where `.not` is understood too. What returns promises is for `toAllocateNothingAsync` and `toAllocateAtMostAsync`,
 * which are awaited: `expectZeroAllocationAsync`.
 */
export const allocationMatchers = {
  /** At most 0.1 bytes per operation, the limit of `expectZeroAllocation`. @throws ArgumentRangeError */
  toAllocateNothing: (operation: unknown, options: AllocationOptions = {}): AllocationMatch =>
    match(operation, undefined, options),

  /** @param maxBytes per operation @throws ArgumentRangeError */
  toAllocateAtMost: (
    operation: unknown,
    maxBytes: number,
    options: AllocationOptions = {},
  ): AllocationMatch => match(operation, checkLimit(maxBytes), options),

  /** At most 0.1 bytes per operation beyond its promise and await. Rejects with ArgumentRangeError, AllocationUnmeasurableError. */
  toAllocateNothingAsync: (
    operation: unknown,
    options: AsyncAllocationOptions = {},
  ): Promise<AllocationMatch> => matchAsync(operation, undefined, options),

  /** @param maxBytes per operation, beyond its promise and await. Rejects with ArgumentRangeError, AllocationUnmeasurableError. */
  toAllocateAtMostAsync: async (
    operation: unknown,
    maxBytes: number,
    options: AsyncAllocationOptions = {},
  ): Promise<AllocationMatch> => matchAsync(operation, checkLimit(maxBytes), options),
} as const;

function match(
  operation: unknown,
  maxBytes: number | undefined,
  options: AllocationOptions,
): AllocationMatch {
  checkOperation(operation);
  checkNames('options', options, ALLOCATION_OPTIONS);
  try {
    return passed(expectZeroAllocation(operation as Operation, limited(options, maxBytes)), maxBytes);
  } catch (error) {
    return failed(error);
  }
}

async function matchAsync(
  operation: unknown,
  maxBytes: number | undefined,
  options: AsyncAllocationOptions,
): Promise<AllocationMatch> {
  checkOperation(operation);
  checkNames('options', options, ASYNC_ALLOCATION_OPTIONS);
  try {
    const actual = await expectZeroAllocationAsync(operation as AsyncOperation, limited(options, maxBytes));
    return passed(actual, maxBytes);
  } catch (error) {
    return failed(error);
  }
}

function checkOperation(operation: unknown): void {
  if (typeof operation !== 'function') throw new ArgumentRangeError('operation', operation, 'a function');
}

function checkLimit(maxBytes: number): number {
  if (typeof maxBytes !== 'number')
    throw new ArgumentRangeError('maxBytes', maxBytes, 'a number of at least 0');
  return maxBytes;
}

function limited<O extends AllocationOptions>(options: O, maxBytes: number | undefined): O {
  return maxBytes === undefined ? options : { ...options, maxBytes };
}

function passed(actual: number, expected = MAX_BYTES_PER_OPERATION): AllocationMatch {
  const message = (): string => `allocates ${actual} bytes per operation, expected more than ${expected}`;
  return { pass: true, message, actual, expected };
}

/** @throws what is no figure above a limit */
function failed(error: unknown): AllocationMatch {
  if (!(error instanceof AllocationError)) throw error;
  const { bytesPerOperation: actual, maxBytes: expected, message } = error;
  return { pass: false, message: () => message, actual, expected };
}
