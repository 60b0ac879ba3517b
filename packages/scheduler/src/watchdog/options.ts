// When a task counts as slow, and when its worker is ended for it: options, checked once into plain data that can travel to a thread.
import { ArgumentRangeError } from '@corelane/shared-memory';

export interface WatchdogOptions {
  /** A poll that takes longer is reported: event `slowTask`; 100 ms by default. */
  readonly slowMs?: number;
  /** After that its worker is terminated and replaced, and the task rejects with TaskStuckError. By default never; at least `slowMs`. */
  readonly killMs?: number;
  /** How often it looks; a quarter of `slowMs` by default, at most 100 ms. What is found is found that much later, twice at most. */
  readonly sampleMs?: number;
  /** Whether a report says where in its code the task is; true by default. */
  readonly captureStack?: boolean;
  /** How long it waits for a stack, and so how much later a worker may be terminated; 250 ms by default. */
  readonly stackTimeoutMs?: number;
  /**
   * For which share of the time a worker with a slow poll is parked, until that has ended: more than 0, less than 1. Others have its core meanwhile; its time stands still. By default it
   * is not. Takes option `interrupt`.
   */
  readonly parkShare?: number;
  /** Whether it runs on a thread of its own, so that it looks, and ends workers, also while the owner's thread is busy; false by default. */
  readonly thread?: boolean;
}

export interface WatchdogPlan {
  readonly slowMs: number;
  /** Infinity: never. */
  readonly killMs: number;
  readonly sampleMs: number;
  readonly captureStack: boolean;
  readonly stackTimeoutMs: number;
  /** 0: it is not parked. */
  readonly parkShare: number;
  readonly thread: boolean;
}

const NAMES = ['slowMs', 'killMs', 'sampleMs', 'captureStack', 'stackTimeoutMs', 'parkShare', 'thread'];
/** All guessed. */
const SLOW_MS = 100;
const STACK_TIMEOUT_MS = 250;
const LOOKS = 4;
const LONGEST_SAMPLE_MS = 100;
/** What a timer of Node can wait. */
const MAX_MS = 2 ** 31 - 1;

/**
 * @param canPark whether there is an option `interrupt`
 * @returns undefined where there is none. @throws ArgumentRangeError
 */
export function watchdogPlan(
  given: boolean | WatchdogOptions | undefined,
  canPark: boolean,
): WatchdogPlan | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : given;
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ArgumentRangeError('watchdog', given, 'true, false or an object');
  for (const name of Object.keys(options))
    if (!NAMES.includes(name)) throw new ArgumentRangeError('watchdog', name, `one of ${NAMES.join(', ')}`);
  const slowMs = milliseconds('slowMs', options.slowMs, SLOW_MS);
  const { killMs = Infinity } = options;
  if (killMs !== Infinity) milliseconds('killMs', killMs, slowMs, slowMs);
  const usualMs = Math.min(LONGEST_SAMPLE_MS, Math.max(1, slowMs / LOOKS));
  return {
    slowMs,
    killMs,
    sampleMs: milliseconds('sampleMs', options.sampleMs, usualMs, 1),
    captureStack: flag('captureStack', options.captureStack, true),
    stackTimeoutMs: milliseconds('stackTimeoutMs', options.stackTimeoutMs, STACK_TIMEOUT_MS),
    parkShare: shareOf(options.parkShare, canPark),
    thread: flag('thread', options.thread, false),
  };
}

function shareOf(share: number | undefined, canPark: boolean): number {
  if (share === undefined) return 0;
  if (typeof share !== 'number' || !(share > 0 && share < 1))
    throw new ArgumentRangeError('watchdog.parkShare', share, 'more than 0, less than 1');
  if (!canPark) throw new ArgumentRangeError('watchdog.parkShare', share, 'none without option interrupt');
  return share;
}

/** @param least itself allowed where it is more than 0 */
function milliseconds(name: string, given: number | undefined, usual: number, least = 0): number {
  const value = given === undefined ? usual : given; // null is none of them
  if (typeof value === 'number' && value > 0 && value >= least && value <= MAX_MS) return value;
  const from = least > 0 ? `${least} to ${MAX_MS}` : `more than 0, at most ${MAX_MS}`;
  throw new ArgumentRangeError(`watchdog.${name}`, value, from);
}

function flag(name: string, given: boolean | undefined, usual: boolean): boolean {
  const value = given === undefined ? usual : given; // null is none of them
  if (typeof value !== 'boolean') throw new ArgumentRangeError(`watchdog.${name}`, value, 'true or false');
  return value;
}
