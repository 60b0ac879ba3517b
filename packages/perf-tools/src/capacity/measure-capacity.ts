// Measures throughput by workers, and fits the law to it.
import { ArgumentRangeError, checkInteger, checkNames, PerfToolsError } from '../errors.ts';
import { fitCapacity, type CapacityFit, type FitCapacityOptions, type NoFit } from './fit-capacity.ts';
import type { CapacitySample } from './samples.ts';

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
  /** Rounds, of a run with each number in an order of chance; 5 by default. */
  readonly rounds?: number;
  /** A round before, which does not count; true by default. */
  readonly warmUp?: boolean;
  /** From 0 to 1, below 1: of the order. `Math.random` by default. */
  readonly random?: () => number;
  readonly signal?: AbortSignal;
}

/** A run did not say how much it did. */
export class CapacityRunError extends PerfToolsError {
  override readonly name = 'CapacityRunError';
  readonly workers: number;

  constructor(workers: number, found: unknown) {
    super(
      'ERR_CAPACITY_RUN',
      `a run with ${workers} workers has given ${String(found)} as its throughput, expected a positive number`,
    );
    this.workers = workers;
  }
}

const MOST_ROUNDS = 1000;

/**
 * One run at a time: numbers of workers take turns, so that what changes meanwhile is in all of them. Any run that throws ends it.
 * @throws ArgumentRangeError, CapacityRunError, the reason of `signal`
 */
export async function measureCapacity(
  run: RunWorkers,
  options: MeasureCapacityOptions,
): Promise<CapacityFit | NoFit> {
  checkNames('measureCapacity', options, [
    'workers',
    'rounds',
    'warmUp',
    'random',
    'signal',
    'confidence',
    'errors',
  ]);
  const {
    workers,
    rounds = 5,
    warmUp = true,
    random = Math.random,
    signal = new AbortController().signal,
    ...fit
  } = options;
  if (typeof run !== 'function') throw new ArgumentRangeError('run', run, 'a function');
  if (!Array.isArray(workers) || new Set(workers).size !== workers.length || workers.length < 3)
    throw new ArgumentRangeError('workers', workers, 'an array of at least 3 different numbers');
  workers.forEach((each, i) => checkInteger(`workers[${i}]`, each, 1, 1e6));
  checkInteger('rounds', rounds, 1, MOST_ROUNDS);
  // What is wrong with its options is known before an hour of measuring.
  fitCapacity([], fit);
  const samples: CapacitySample[] = [];
  for (let round = warmUp ? -1 : 0; round < rounds; round++)
    for (const each of shuffled(workers, random)) {
      signal.throwIfAborted();
      const throughput = await run({ workers: each, round, signal });
      if (!Number.isFinite(throughput) || throughput <= 0) throw new CapacityRunError(each, throughput);
      if (round >= 0) samples.push({ workers: each, throughput });
    }
  signal.throwIfAborted();
  return fitCapacity(samples, fit);
}

function shuffled(values: readonly number[], random: () => number): number[] {
  const order = [...values];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
