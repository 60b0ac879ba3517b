/** Wrong arguments: exit code 2. */
export class UsageError extends Error {
  readonly code = 'BENCH_USAGE';
  override readonly name = 'UsageError';
}

/** A suite that contradicts itself: exit code 1. */
export class SuiteError extends Error {
  readonly code = 'BENCH_SUITE';
  override readonly name = 'SuiteError';
}

/** A case that threw, lost operations or left a wrong state: exit code 1. */
export class CaseError extends Error {
  readonly code = 'BENCH_CASE';
  override readonly name = 'CaseError';
  readonly caseName: string;

  constructor(caseName: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.caseName = caseName;
  }
}

/** What `setup` throws where this machine cannot run the case: the report says so with the reason, and the run goes on. */
export class NotMeasurableError extends Error {
  readonly code = 'BENCH_NOT_MEASURABLE';
  override readonly name = 'NotMeasurableError';
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
