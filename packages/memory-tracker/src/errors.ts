/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class MemoryTrackerError extends Error {
  readonly code: string;
  override readonly name: string = 'MemoryTrackerError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An argument outside its range. Nothing was changed. */
export class ArgumentRangeError extends MemoryTrackerError {
  override readonly name = 'ArgumentRangeError';

  constructor(argument: string, found: unknown, expected: string) {
    super('ERR_ARGUMENT_RANGE', `${argument} is ${String(found)}, expected ${expected}`);
  }
}

/** A function that had to run without allocating allocated. */
export class AllocationError extends MemoryTrackerError {
  override readonly name = 'AllocationError';
  readonly bytesPerOperation: number;
  readonly maxBytes: number;

  constructor(bytesPerOperation: number, maxBytes: number, samples: number, operations: number) {
    super(
      'ERR_ALLOCATION',
      `allocates ${Number(bytesPerOperation.toFixed(2))} bytes per operation, expected at most ${maxBytes} ` +
        `(median of ${samples} samples of ${operations} operations)`,
    );
    this.bytesPerOperation = bytesPerOperation;
    this.maxBytes = maxBytes;
  }
}

/** Every sample was disturbed by a collection, even with one operation a sample: there is no figure to judge. */
export class AllocationUnmeasurableError extends MemoryTrackerError {
  override readonly name = 'AllocationUnmeasurableError';

  constructor(samples: number) {
    super(
      'ERR_ALLOCATION_UNMEASURABLE',
      `no figure: all of ${samples} samples of 1 operation caused collections`,
    );
  }
}
