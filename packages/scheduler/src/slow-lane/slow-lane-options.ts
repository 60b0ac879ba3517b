// Options of the slow lane, checked once, with their defaults.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { MAX_THREADS, slowWeights } from '../layout.ts';
import { PRIORITIES, type Priority } from '../priority.ts';

export interface SlowLaneOptions {
  /** Workers of the slow lane, beyond `maxThreads`; 1 by default. They start when something first enters it, and end when they have been idle. */
  readonly workers?: number;
  /** Added to their niceness, beyond option `niceIncrement` of all workers: 0 to 19, 10 by default. On Linux alone, as that. */
  readonly niceIncrement?: number;
  /** Tasks that wait in it at most: 10,000 by default, but no more than `slots`. */
  readonly capacity?: number;
  /** Of one source, which is the name of a task, at most: 100 by default, but no more than `capacity`. */
  readonly perSource?: number;
  /** Tasks of a priority that are taken before it is the next one's turn, 1 to 255; by default 4, 3, 2 and 1. */
  readonly weights?: Readonly<Partial<Record<Priority, number>>>;
  /** Every second task is one that has waited so long, where there is one: milliseconds, 1000 by default. */
  readonly boostMs?: number;
}

/** Plain data. */
export interface SlowLanePlan {
  readonly workers: number;
  readonly niceIncrement: number;
  readonly capacity: number;
  readonly perSource: number;
  /** slowWeights. */
  readonly weights: number;
  readonly boostMs: number;
}

/** What of the scheduler's options says whether there is a slow lane: it comes with budgets, unless it is refused. */
export interface SlowLaneChoice {
  /** Where tasks go on, or begin, that take more than their share: true, or how it is to be. By default there where option `budgets` is given. */
  readonly slowLane?: boolean | SlowLaneOptions;
  readonly budgets?: unknown;
}

const NAMES: readonly string[] = ['workers', 'niceIncrement', 'capacity', 'perSource', 'weights', 'boostMs'];
const WORKERS = 1;
/** As much as `nice` itself adds. */
export const SLOW_NICE = 10;
const MAX_NICE = 19;
const CAPACITY = 10_000;
const PER_SOURCE = 100;
/** As of the table in the package's documentation of budgets. */
const WEIGHTS: Readonly<Record<Priority, number>> = { critical: 4, high: 3, normal: 2, low: 1 };
const MAX_WEIGHT: number = slowWeights.field.critical.mask;
const BOOST_MS = 1000;
const MAX_BOOST_MS = 2 ** 30;

/** Whether the tiers of names are kept. */
export function hasTiers({ slowLane, budgets }: SlowLaneChoice): boolean {
  return hasBudgets(budgets) || (slowLane !== undefined && slowLane !== false);
}

function hasBudgets(budgets: unknown): boolean {
  return budgets !== undefined && budgets !== false;
}

/**
 * @param slots of the scheduler
 * @param commonThreads workers beside those of the slow lane
 * @returns undefined where there is none. @throws ArgumentRangeError
 */
export function slowLanePlan(
  { slowLane, budgets }: SlowLaneChoice,
  slots: number,
  commonThreads: number,
): SlowLanePlan | undefined {
  const given = slowLane === undefined ? hasBudgets(budgets) : slowLane;
  if (given === false) return undefined;
  if (given !== true && (typeof given !== 'object' || given === null))
    throw new ArgumentRangeError('slowLane', given, 'true, false or an object');
  const options: SlowLaneOptions = given === true ? {} : given;
  for (const name of Object.keys(options))
    if (!NAMES.includes(name))
      throw new ArgumentRangeError('slowLane', name, `options by the names ${NAMES.join(', ')}`);
  const capacity = integer('capacity', options.capacity, Math.min(CAPACITY, slots), 1, slots);
  return {
    // The system may have fewer workers than it can count: then there is no room for those of the slow lane.
    workers: integer('workers', options.workers, WORKERS, 1, Math.max(0, MAX_THREADS - commonThreads)),
    niceIncrement: integer('niceIncrement', options.niceIncrement, SLOW_NICE, 0, MAX_NICE),
    capacity,
    perSource: integer('perSource', options.perSource, Math.min(PER_SOURCE, capacity), 1, capacity),
    weights: weightsOf(options.weights),
    boostMs: integer('boostMs', options.boostMs, BOOST_MS, 0, MAX_BOOST_MS),
  };
}

function weightsOf(given: SlowLaneOptions['weights'] = {}): number {
  if (typeof given !== 'object' || given === null)
    throw new ArgumentRangeError('slowLane.weights', given, 'an object');
  for (const name of Object.keys(given))
    if (!PRIORITIES.includes(name as Priority))
      throw new ArgumentRangeError('slowLane.weights', name, `weights by the names ${PRIORITIES.join(', ')}`);
  let packed = 0;
  for (const name of PRIORITIES)
    packed |=
      integer(`weights.${name}`, given[name], WEIGHTS[name], 1, MAX_WEIGHT) << slowWeights.field[name].shift;
  return packed;
}

function integer(
  name: string,
  given: number | undefined,
  usual: number,
  least: number,
  most: number,
): number {
  const value = given ?? usual;
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ArgumentRangeError(`slowLane.${name}`, value, `an integer from ${least} to ${most}`);
  return value;
}
