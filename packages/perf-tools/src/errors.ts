// What this package throws.

export class PerfToolsError extends Error {
  override readonly name: string = 'PerfToolsError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option or argument that is not what it must be. Nothing was done. */
export class ArgumentRangeError extends PerfToolsError {
  override readonly name = 'ArgumentRangeError';
  readonly argument: string;

  constructor(argument: string, found: unknown, expected: string) {
    super('ERR_ARGUMENT_RANGE', `${argument} is ${shown(found)}, expected ${expected}`);
    this.argument = argument;
  }
}

/** Something that should be a CPU profile of V8, and is not. */
export class ProfileFormatError extends PerfToolsError {
  override readonly name = 'ProfileFormatError';
  /** Where in it: `nodes[3].children[0]`. */
  readonly path: string;

  constructor(path: string, found: unknown, expected: string) {
    super('ERR_PROFILE_FORMAT', `CPU profile: ${path} is ${shown(found)}, expected ${expected}`);
    this.path = path;
  }
}

/** There is no such thread, or it ended while it was being profiled: what had been recorded went with it. */
export class ThreadEndedError extends PerfToolsError {
  override readonly name = 'ThreadEndedError';
  readonly threadId: number;

  constructor(threadId: number, options?: ErrorOptions) {
    super('ERR_THREAD_ENDED', `thread ${threadId} does not exist, or has ended`, options);
    this.threadId = threadId;
  }
}

/** A thread did not answer in time. It does not while it is in a long native call. */
export class ThreadSilentError extends PerfToolsError {
  override readonly name = 'ThreadSilentError';
  readonly threadId: number;

  constructor(threadId: number, what: string, timeoutMs: number) {
    super('ERR_THREAD_SILENT', `thread ${threadId} did not answer ${what} within ${timeoutMs} ms`);
    this.threadId = threadId;
  }
}

/** The profiler of V8 is not to be had, and why. */
export class ProfilerUnavailableError extends PerfToolsError {
  override readonly name = 'ProfilerUnavailableError';

  constructor(reason: string, options?: ErrorOptions) {
    super('ERR_PROFILER_UNAVAILABLE', `no CPU profile: ${reason}`, options);
  }
}

/** A value in a message, of a bounded length. */
function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (value === null || typeof value !== 'object') return String(value);
  return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
}

/** @throws ArgumentRangeError where there is an option that nobody knows */
export function checkNames(what: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null)
    throw new ArgumentRangeError(`options of ${what}`, options, `an object of ${known.join(', ')}`);
  for (const name of Object.keys(options))
    if (!known.includes(name))
      throw new ArgumentRangeError(`option ${name} of ${what}`, 'unknown', known.join(', '));
}

/** @throws ArgumentRangeError */
export function checkInteger(argument: string, found: unknown, least: number, most: number): void {
  if (!Number.isInteger(found) || (found as number) < least || (found as number) > most)
    throw new ArgumentRangeError(argument, found, `an integer from ${least} to ${most}`);
}
