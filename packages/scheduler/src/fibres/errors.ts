// Errors of fibres, each with what was found and what was expected.
import { SchedulerError } from '../errors.ts';

/** A scheduler of fibres takes no more of them: it was closed. */
export class FibresClosedError extends SchedulerError {
  override readonly name = 'FibresClosedError';

  constructor(fibre: string) {
    super(
      'ERR_FIBRES_CLOSED',
      `fibre ${fibre} was not begun: its scheduler is closed, expected it to be open`,
    );
  }
}

/** As many fibres as there may be have not ended. It was not begun. */
export class FibresExhaustedError extends SchedulerError {
  override readonly name = 'FibresExhaustedError';
  /** The option `maxFibres`. */
  readonly maxFibres: number;

  constructor(fibre: string, maxFibres: number) {
    super(
      'ERR_FIBRES_EXHAUSTED',
      `fibre ${fibre} was not begun: ${maxFibres} have not ended, expected fewer (option maxFibres)`,
    );
    this.maxFibres = maxFibres;
  }
}

/** What `join` and `result` end with where a fibre was cancelled without a reason. */
export class FibreCancelledError extends SchedulerError {
  override readonly name = 'FibreCancelledError';
  readonly fibre: string;

  constructor(fibre: string) {
    super('ERR_FIBRE_CANCELLED', `fibre ${fibre} was cancelled, expected it to run to its end`);
    this.fibre = fibre;
  }
}

/** It has no result, or no end, yet. */
export class FibreUnfinishedError extends SchedulerError {
  override readonly name = 'FibreUnfinishedError';
  readonly fibre: string;

  constructor(fibre: string, state: string) {
    super('ERR_FIBRE_UNFINISHED', `fibre ${fibre} is ${state}, expected it to have ended`);
    this.fibre = fibre;
  }
}

/** Fibres that wait for each other, in a circle: none of them would ever go on. Thrown where the circle would be closed. */
export class FibreCycleError extends SchedulerError {
  override readonly name = 'FibreCycleError';
  /** Names, from the one that would wait to the one before it. */
  readonly fibres: readonly string[];

  constructor(fibres: readonly string[]) {
    super(
      'ERR_FIBRE_CYCLE',
      `fibre ${fibres.join(' waits for ')} waits for ${fibres[0]}, expected no circle of joins`,
    );
    this.fibres = fibres;
  }
}

/** A fibre has yielded what means nothing. Thrown where it did. */
export class FibreYieldError extends SchedulerError {
  override readonly name = 'FibreYieldError';

  /** @param what it has yielded, in words */
  constructor(fibre: string, what: string) {
    super(
      'ERR_FIBRE_YIELD',
      `fibre ${fibre} yielded ${what}, expected nothing: yield* sleep(ms), join(fibre) or until(promise) wait`,
    );
  }
}
