/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class IoRingError extends Error {
  readonly code: string;
  override readonly name: string = 'IoRingError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

interface OperationDetails {
  readonly path?: string;
  readonly transferredBytes?: number;
  /** What the code alone does not tell. */
  readonly hint?: string;
}

/** The kernel refused an operation, or it failed. `code` is the kernel's (`ENOSPC`, `EIO`, `EBADF` …), as in errors of node:fs. */
export class OperationError extends IoRingError {
  override readonly name = 'OperationError';
  /** Negative, as in errors of node:fs. */
  readonly errno: number;
  /** `read`, `openat` … */
  readonly syscall: string;
  /** What was opened, looked at or connected to, or '': of an operation on an open file, that of the file. */
  readonly path: string;
  /** Bytes that were transferred before it failed, where it had several steps. */
  readonly transferredBytes: number;

  constructor(
    code: string,
    errno: number,
    syscall: string,
    { path = '', transferredBytes = 0, hint = '' }: OperationDetails = {},
  ) {
    super(
      code,
      `${syscall} failed with ${code}${path === '' ? '' : `: ${JSON.stringify(path)}`}` +
        (transferredBytes > 0 ? ` after ${transferredBytes} bytes` : '') +
        (hint === '' ? '' : `: ${hint}`),
    );
    this.errno = errno;
    this.syscall = syscall;
    this.path = path;
    this.transferredBytes = transferredBytes;
  }
}

/** What became of a chain that was broken. */
export interface BrokenChain {
  /** Index of the step. */
  readonly step: number;
  readonly syscall: string;
  /** By step: bytes (or 0), or -errno; -125 (ECANCELED) for those behind the one that broke it. */
  readonly results: readonly number[];
  /** What the step was to transfer. */
  readonly bytes: number;
}

/**
 * A step of a chain failed or fell short, and those behind it were cancelled. Code `ERR_CHAIN_BROKEN`; `cause` is the OperationError of the step, and
 * `undefined` where it transferred less than asked.
 */
export class ChainError extends IoRingError {
  override readonly name = 'ChainError';
  readonly step: number;
  readonly results: readonly number[];
  constructor({ step, syscall, results, bytes }: BrokenChain, cause?: OperationError) {
    const behind = results.length - step - 1;
    super(
      'ERR_CHAIN_BROKEN',
      `step ${step} of ${results.length}, ${syscall}, ` +
        (cause === undefined
          ? `transferred ${results[step]} of ${bytes} bytes`
          : `failed with ${cause.code}`) +
        `; cancelled behind it: ${behind}`,
      cause === undefined ? undefined : { cause },
    );
    this.step = step;
    this.results = results;
  }
}

/** As many operations are in flight as may be, and the ring was asked to refuse further ones. Code `ERR_RING_FULL`. */
export class RingFullError extends IoRingError {
  override readonly name = 'RingFullError';
  constructor(inFlight: number) {
    super('ERR_RING_FULL', `${inFlight} operations are in flight, which is the limit`);
  }
}

/** Used after `close`, or closed while it was under way. Code `ERR_RING_CLOSED`. */
export class RingClosedError extends IoRingError {
  override readonly name = 'RingClosedError';
  constructor(what: 'ring' | 'file' | 'batch' | 'socket' | 'listener') {
    super('ERR_RING_CLOSED', `the ${what} is closed`);
  }
}

/** An operation took longer than its `timeoutMs`. The buffer is free again: it was cancelled first. Code `ERR_OPERATION_TIMEOUT`. */
export class OperationTimeoutError extends IoRingError {
  override readonly name = 'OperationTimeoutError';
  readonly timeoutMs: number;
  /** `read`, `recv` … */
  readonly syscall: string;
  constructor(timeoutMs: number, syscall: string) {
    super('ERR_OPERATION_TIMEOUT', `${syscall} not completed in ${timeoutMs} ms`);
    this.syscall = syscall;
    this.timeoutMs = timeoutMs;
  }
}

/** A connection sends one thing and receives one thing at a time. Code `ERR_SOCKET_BUSY`. */
export class SocketBusyError extends IoRingError {
  override readonly name = 'SocketBusyError';
  constructor(what: string) {
    super(
      'ERR_SOCKET_BUSY',
      `another ${what} is in flight on this connection, which has one at a time: await it first`,
    );
  }
}

/** Memory that the kernel must not be given. Code `ERR_IO_MEMORY`. */
export class IoMemoryError extends IoRingError {
  override readonly name = 'IoMemoryError';
  constructor(problem: string) {
    super('ERR_IO_MEMORY', problem);
  }
}

/** An argument that makes no sense. Code `ERR_IO_ARGUMENT`. */
export class IoArgumentError extends IoRingError {
  override readonly name = 'IoArgumentError';
  constructor(name: string, found: unknown, expected: string) {
    super('ERR_IO_ARGUMENT', `${name} is ${show(found)}, expected ${expected}`);
  }
}

function show(found: unknown): string {
  if (typeof found === 'string') return JSON.stringify(found.length > 60 ? `${found.slice(0, 60)}…` : found);
  if (typeof found === 'object' && found !== null)
    return `an object of ${found.constructor?.name ?? 'no class'}`;
  if (typeof found === 'bigint') return `${found}n`;
  return typeof found === 'function' ? 'a function' : String(found);
}
