// What is to be measured, checked before anything runs.
import { ArgumentRangeError, checkInteger, checkNames } from '../errors.ts';
import { fitCapacity, type FitCapacityOptions } from './fit-capacity.ts';

export interface CapacityRun {
  readonly workers: number;
  /** From 0; -1 warms up and does not count. */
  readonly round: number;
  readonly signal: AbortSignal;
}

/** Works with so many workers for a while. What it begins it ends. */
export type RunWorkers = (run: CapacityRun) => number | Promise<number>;

export interface MeasureCapacityOptions extends FitCapacityOptions {
  /** Numbers of workers, each once; at least three of them. */
  readonly workers: readonly number[];
  /** Rounds at least, of a run with each number in an order of chance; 5 by default. */
  readonly rounds?: number;
  /**
   * Further rounds until the intervals of the throughput of one worker and of the most are no wider than this part of it to either side; 0.001 to 1.
   * Without, there are `rounds`.
   */
  readonly precision?: number;
  /** With `precision`, rounds at most; four times `rounds` by default. */
  readonly mostRounds?: number;
  /** With `precision`, milliseconds after which no further round begins beyond `rounds`; Infinity by default. */
  readonly mostMs?: number;
  /**
   * Fits the medians of the rounds: a sample for each number of workers, of which there must be four. For machines that do other things, too: what
   * disturbs a run makes it slower, never faster, and a mean of them is too low. That repeats contradict the law is not seen then. False by default.
   */
  readonly medians?: boolean;
  /** A round before, which does not count; true by default. */
  readonly warmUp?: boolean;
  /**
   * Of the processors, 0 to 1: what other processes may take during a run that counts. A run in which they take more is repeated, as often in all as
   * there are runs that count. 1, never, by default: where the work is done by other processes, theirs is the CPU time.
   */
  readonly mostForeign?: number;
  /** From 0 to 1, below 1: of the order. `Math.random` by default. */
  readonly random?: () => number;
  readonly signal?: AbortSignal;
}

const MOST_ROUNDS = 1000;
/** What a fit takes. */
const MOST_SAMPLES = 10_000;
/** Of different workers: a curve. */
export const LEAST_NUMBERS = 3;

const NAMES = [
  ...['workers', 'rounds', 'precision', 'mostRounds', 'mostMs', 'medians', 'warmUp', 'mostForeign'],
  ...['random', 'signal', 'confidence', 'errors'],
];

export type CheckedOptions = Required<
  Omit<MeasureCapacityOptions, keyof FitCapacityOptions | 'precision'>
> & {
  readonly precision: number | undefined;
  readonly fit: FitCapacityOptions;
};

/** @throws ArgumentRangeError */
export function checkMeasureOptions(run: RunWorkers, options: MeasureCapacityOptions): CheckedOptions {
  checkNames('measureCapacity', options, NAMES);
  const {
    workers,
    rounds = 5,
    precision,
    mostMs = Infinity,
    medians = false,
    warmUp = true,
    mostForeign = 1,
    ...rest
  } = options;
  const {
    mostRounds = precision === undefined ? rounds : Math.min(MOST_ROUNDS, 4 * rounds),
    random = Math.random,
    signal = new AbortController().signal,
    ...fit
  } = rest;
  if (typeof run !== 'function') throw new ArgumentRangeError('run', run, 'a function');
  if (!Array.isArray(workers) || new Set(workers).size !== workers.length || workers.length < LEAST_NUMBERS)
    throw new ArgumentRangeError(
      'workers',
      workers,
      `an array of at least ${LEAST_NUMBERS} different numbers`,
    );
  workers.forEach((each, i) => checkInteger(`workers[${i}]`, each, 1, 1e6));
  checkInteger('rounds', rounds, 1, MOST_ROUNDS);
  if (precision !== undefined && !(precision >= 0.001 && precision <= 1))
    throw new ArgumentRangeError('precision', precision, 'a number from 0.001 to 1');
  if (options.mostRounds !== undefined && precision === undefined)
    throw new ArgumentRangeError('mostRounds', mostRounds, 'nothing without precision, which it limits');
  if (options.mostMs !== undefined && precision === undefined)
    throw new ArgumentRangeError('mostMs', mostMs, 'nothing without precision, which it limits');
  checkInteger('mostRounds', mostRounds, rounds, MOST_ROUNDS);
  if (mostRounds * workers.length > MOST_SAMPLES)
    throw new ArgumentRangeError(
      'runs that count',
      mostRounds * workers.length,
      `at most ${MOST_SAMPLES}: fewer rounds, or numbers of workers`,
    );
  if (!(mostMs >= 0)) throw new ArgumentRangeError('mostMs', mostMs, 'a number of at least 0');
  if (!(mostForeign >= 0 && mostForeign <= 1))
    throw new ArgumentRangeError('mostForeign', mostForeign, 'a number from 0 to 1');
  // What is wrong with its options is known before an hour of measuring.
  fitCapacity([], fit);
  return {
    workers,
    rounds,
    precision,
    mostRounds,
    mostMs,
    medians,
    warmUp,
    mostForeign,
    random,
    signal,
    fit,
  };
}
