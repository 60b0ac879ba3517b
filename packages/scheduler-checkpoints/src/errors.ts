/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class CheckpointsError extends Error {
  override readonly name: string = 'CheckpointsError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** An option that means nothing. */
export class CheckpointsOptionError extends CheckpointsError {
  override readonly name = 'CheckpointsOptionError';

  constructor(option: string, found: unknown, expected: string) {
    super('ERR_CHECKPOINTS_OPTION', `${option} is ${describe(found)}, expected ${expected}`);
  }
}

/** A file is not what its name says it is: nothing was changed. */
export class CheckpointsSyntaxError extends CheckpointsError {
  override readonly name = 'CheckpointsSyntaxError';
  readonly filename: string;
  /** From 1. */
  readonly line: number;
  /** From 0, in UTF-16 units. */
  readonly column: number;
  /** What the parser says. */
  readonly reason: string;

  constructor(filename: string, line: number, column: number, reason: string) {
    super('ERR_CHECKPOINTS_SYNTAX', `${filename}:${line}:${column + 1}: ${reason}`);
    this.filename = filename;
    this.line = line;
    this.column = column;
    this.reason = reason;
  }
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
