/** What every error of this package is: a `code` to switch on, and a message with what was found and what was expected. */
export class AtomicStateError extends Error {
  readonly code: string;
  override readonly name: string = 'AtomicStateError';

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** An option outside its range. Nothing was changed. */
export class PolicyError extends AtomicStateError {
  override readonly name = 'PolicyError';

  constructor(option: string, found: unknown, expected: string) {
    super('ERR_POLICY', `${option} is ${String(found)}, expected ${expected}`);
  }
}

/** An endpoint that another thread defined with other options. Its policy stays as it is. */
export class PolicyConflictError extends AtomicStateError {
  override readonly name = 'PolicyConflictError';

  constructor(endpoint: string, option: string, found: number, expected: number) {
    super(
      'ERR_POLICY_CONFLICT',
      `endpoint ${JSON.stringify(endpoint)} is defined with ${option} = ${found}, here with ${expected}`,
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
    const shown = typeof found === 'string' ? `${JSON.stringify(found)}, a name` : String(found);
    super('ERR_ENDPOINT', `endpoint is ${shown}, expected the index of one of ${defined} defined endpoints`);
  }
}

/** A result was recorded for something that `tryAcquire` never admitted. */
export class AdmissionError extends AtomicStateError {
  override readonly name = 'AdmissionError';

  constructor(found: unknown) {
    super('ERR_ADMISSION', `admission is ${String(found)}, expected 0 to 15 as tryAcquire returned it`);
  }
}

/** `execute` was refused: nothing was called. */
export class RefusedError extends AtomicStateError {
  override readonly name = 'RefusedError';
  readonly endpoint: string;
  readonly reason: 'open' | 'probing' | 'throttled';
  /** Milliseconds after which asking again may help. */
  readonly retryAfterMs: number;

  constructor(endpoint: string, reason: RefusedError['reason'], retryAfterMs: number) {
    super(
      `ERR_REFUSED_${reason.toUpperCase()}`,
      `endpoint ${JSON.stringify(endpoint)} is ${reason}; ask again in ${retryAfterMs} ms`,
    );
    this.endpoint = endpoint;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}
