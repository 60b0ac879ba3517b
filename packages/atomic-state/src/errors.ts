/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class AtomicStateError extends Error {
  readonly code: string;
  override readonly name: string = 'AtomicStateError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Found in place of a value: the name is no option's. */
export const NO_OPTION = Symbol('no option');

/** Any value in a message: also one that has no string, or a long one. A string is quoted: it is often a number's. */
export function show(found: unknown): string {
  if (found === NO_OPTION) return 'no option';
  if (typeof found === 'string')
    return JSON.stringify(found.length <= MAX_SHOWN ? found : `${found.slice(0, MAX_SHOWN)}…`);
  if (typeof found === 'object' && found !== null) return Array.isArray(found) ? 'an array' : 'an object';
  const text = String(found);
  return text.length <= MAX_SHOWN ? text : `${text.slice(0, MAX_SHOWN)}…`;
}

const MAX_SHOWN = 200;

/** An option outside its range. Nothing was changed. */
export class PolicyError extends AtomicStateError {
  override readonly name = 'PolicyError';

  constructor(option: string, found: unknown, expected: string) {
    super('ERR_POLICY', `${option} is ${show(found)}, expected ${expected}`);
  }
}

/** An endpoint that another thread defined with other options. Its policy stays as it is. */
export class PolicyConflictError extends AtomicStateError {
  override readonly name = 'PolicyConflictError';

  constructor(endpoint: string, option: string, found: number | undefined, expected: number | undefined) {
    super(
      'ERR_POLICY_CONFLICT',
      `endpoint ${JSON.stringify(endpoint)} is defined with ${option} = ${found ?? 'off'}, here with ${expected ?? 'off'}`,
    );
  }
}

/** All endpoints of the machine are taken. */
export class EndpointsExhaustedError extends AtomicStateError {
  override readonly name = 'EndpointsExhaustedError';
  readonly capacity: number;

  constructor(endpoint: string, capacity: number, cause: unknown) {
    super(
      'ERR_ENDPOINTS_EXHAUSTED',
      `no room for endpoint ${JSON.stringify(endpoint)}: all ${capacity} are taken`,
      {
        cause,
      },
    );
    this.capacity = capacity;
  }
}

/** An index that is no endpoint's. */
export class EndpointError extends AtomicStateError {
  override readonly name = 'EndpointError';

  constructor(found: unknown, defined: number) {
    const shown = typeof found === 'string' ? `${show(found)}, a name` : show(found);
    super('ERR_ENDPOINT', `endpoint is ${shown}, expected the index of one of ${defined} defined endpoints`);
  }
}

/** A result was recorded for something that `tryAcquire` never admitted. */
export class AdmissionError extends AtomicStateError {
  override readonly name = 'AdmissionError';

  constructor(found: unknown) {
    super(
      'ERR_ADMISSION',
      `admission is ${found === undefined ? 'left out' : show(found)}, expected what tryAcquire returned for this endpoint, from 0 up`,
    );
  }
}

/** `execute` was refused: nothing was called. */
export class RefusedError extends AtomicStateError {
  override readonly name = 'RefusedError';
  readonly endpoint: string;
  readonly reason: 'open' | 'probing' | 'throttled' | 'busy' | 'isolated';
  /** Milliseconds after which asking again may help; null where nobody knows: a permit comes back, or the endpoint is closed by hand. */
  readonly retryAfterMs: number | null;

  constructor(endpoint: string, reason: RefusedError['reason'], retryAfterMs: number | null) {
    super(
      `ERR_REFUSED_${reason.toUpperCase()}`,
      `endpoint ${JSON.stringify(endpoint)} is ${reason}${retryAfterMs === null ? '' : `; ask again in ${retryAfterMs} ms`}`,
    );
    this.endpoint = endpoint;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What should be restored is no snapshot. Nothing was changed. */
export class SnapshotError extends AtomicStateError {
  override readonly name = 'SnapshotError';

  constructor(path: string, found: unknown, expected: string) {
    super('ERR_SNAPSHOT', `${path} is ${show(found)}, expected ${expected}`);
  }
}

/** While an endpoint was being restored, another thread closed it or began to restore it, too: what that made of it stays. */
export class RestoreConflictError extends AtomicStateError {
  override readonly name = 'RestoreConflictError';

  constructor(endpoint: string) {
    super('ERR_RESTORE_CONFLICT', `endpoint ${JSON.stringify(endpoint)} was changed while it was restored`);
  }
}
