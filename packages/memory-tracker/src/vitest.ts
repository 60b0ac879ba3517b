// Matchers for vitest, and for whatever else has `expect.extend`. Nothing of a test runner is imported.
import { AllocationError, ArgumentRangeError } from './errors.ts';
import type { Operation } from './heap-growth.ts';
import { checkNames } from './options.ts';
import {
  ALLOCATION_OPTIONS,
  expectZeroAllocation,
  MAX_BYTES_PER_OPERATION,
  type AllocationOptions,
} from './zero-allocation.ts';

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
 * `expectZeroAllocation`, where `.not` is understood too.
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
  ): AllocationMatch => {
    if (typeof maxBytes !== 'number')
      throw new ArgumentRangeError('maxBytes', maxBytes, 'a number of at least 0');
    return match(operation, maxBytes, options);
  },
} as const;

function match(
  operation: unknown,
  maxBytes: number | undefined,
  options: AllocationOptions,
): AllocationMatch {
  if (typeof operation !== 'function') throw new ArgumentRangeError('operation', operation, 'a function');
  checkNames('options', options, ALLOCATION_OPTIONS);
  try {
    const limits = maxBytes === undefined ? options : { ...options, maxBytes };
    const actual = expectZeroAllocation(operation as Operation, limits);
    const expected = maxBytes ?? MAX_BYTES_PER_OPERATION;
    const message = (): string => `allocates ${actual} bytes per operation, expected more than ${expected}`;
    return { pass: true, message, actual, expected };
  } catch (error) {
    if (!(error instanceof AllocationError)) throw error;
    const { bytesPerOperation: actual, maxBytes: expected, message } = error;
    return { pass: false, message: () => message, actual, expected };
  }
}
