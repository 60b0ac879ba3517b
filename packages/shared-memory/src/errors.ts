/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class SharedMemoryError extends Error {
  readonly code: string;
  override readonly name: string = 'SharedMemoryError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The arena has too little room left for an allocation. Nothing was allocated. */
export class ArenaExhaustedError extends SharedMemoryError {
  override readonly name = 'ArenaExhaustedError';
  readonly requestedBytes: number;
  readonly freeBytes: number;

  constructor(requestedBytes: number, freeBytes: number, totalBytes: number) {
    super(
      'ERR_ARENA_EXHAUSTED',
      `arena exhausted: ${requestedBytes} bytes requested, ${freeBytes} of ${totalBytes} bytes free`,
    );
    this.requestedBytes = requestedBytes;
    this.freeBytes = freeBytes;
  }
}

/** A handle does not lead to what it should: another kind, another layout, or no shared memory at all. */
export class AttachError extends SharedMemoryError {
  override readonly name = 'AttachError';
  readonly what: string;
  readonly found: unknown;
  readonly expected: unknown;

  constructor(kind: string, what: string, found: unknown, expected: unknown) {
    super('ERR_ATTACH', `cannot attach ${kind}: ${what} is ${show(found)}, expected ${show(expected)}`);
    this.what = what;
    this.found = found;
    this.expected = expected;
  }
}

/** A layout that cannot be laid out: a bug where it is declared, not in its use. */
export class LayoutError extends SharedMemoryError {
  override readonly name = 'LayoutError';

  constructor(message: string) {
    super('ERR_LAYOUT', message);
  }
}

/** An argument outside its range. Nothing was changed. */
export class ArgumentRangeError extends SharedMemoryError {
  override readonly name = 'ArgumentRangeError';
  readonly argument: string;
  readonly found: unknown;
  readonly expected: string;

  constructor(argument: string, found: unknown, expected: string) {
    super('ERR_ARGUMENT_RANGE', `${argument} is ${show(found)}, expected ${expected}`);
    this.argument = argument;
    this.found = found;
    this.expected = expected;
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  if (value === null || value === undefined) return String(value);
  return Object.prototype.toString.call(value);
}
