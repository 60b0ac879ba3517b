/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class PlatformError extends Error {
  readonly code: string;
  override readonly name: string = 'PlatformError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** There is no topology to read where it was looked for. Code `ERR_TOPOLOGY_UNAVAILABLE`. */
export class TopologyUnavailableError extends PlatformError {
  override readonly name = 'TopologyUnavailableError';
  /** The paths that were tried, in order. */
  readonly lookedFor: readonly string[];

  constructor(lookedFor: readonly string[], found: string) {
    super(
      'ERR_TOPOLOGY_UNAVAILABLE',
      `no CPU topology: ${found}; looked for ${lookedFor.map((path) => JSON.stringify(path)).join(', ')}`,
    );
    this.lookedFor = lookedFor;
  }
}

/** A CPU list or CPU map that is not one, or names CPUs out of bounds. Code `ERR_CPU_SET_SYNTAX`. */
export class CpuSetSyntaxError extends PlatformError {
  override readonly name = 'CpuSetSyntaxError';
  /** Position in the text of the part that could not be read. */
  readonly at: number;

  constructor(form: 'CPU list' | 'CPU map', text: string, at: number, problem: string) {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    super('ERR_CPU_SET_SYNTAX', `bad ${form} ${JSON.stringify(shown)} at ${at}: ${problem}`);
    this.at = at;
  }
}

/** An option that makes no sense, or that contradicts another. Code `ERR_PLATFORM_OPTION`. */
export class PlatformOptionError extends PlatformError {
  override readonly name = 'PlatformOptionError';

  constructor(option: string, problem: string) {
    super('ERR_PLATFORM_OPTION', `option ${option}: ${problem}`);
  }
}

/** A range of memory that is no range: empty, detached, or not of whole pages. Code `ERR_MEMORY_RANGE`. */
export class MemoryRangeError extends PlatformError {
  override readonly name = 'MemoryRangeError';
  /** Where the range starts in its buffer. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  /** The size of the pages that it should consist of. */
  readonly pageBytes: number;

  constructor(range: { offsetBytes: number; lengthBytes: number; pageBytes: number }, problem: string) {
    super(
      'ERR_MEMORY_RANGE',
      `range of ${range.lengthBytes} bytes at offset ${range.offsetBytes}: ${problem} (pages are ${range.pageBytes} bytes)`,
    );
    this.offsetBytes = range.offsetBytes;
    this.lengthBytes = range.lengthBytes;
    this.pageBytes = range.pageBytes;
  }
}

/** A placement that cannot be: CPUs or nodes that are not there or not allowed, or more threads than places. Code `ERR_PLACEMENT`. */
export class PlacementError extends PlatformError {
  override readonly name = 'PlacementError';

  constructor(problem: string) {
    super('ERR_PLACEMENT', problem);
  }
}

/** Use after disposal. Code `ERR_PLATFORM_DISPOSED`. */
export class PlatformDisposedError extends PlatformError {
  override readonly name = 'PlatformDisposedError';

  constructor(what: string) {
    super('ERR_PLATFORM_DISPOSED', `${what} was disposed, and used again`);
  }
}
