// What only some tasks have: limits, retries, a recorder. One record from the submission to the end, in line and in a slot.
import { ArgumentRangeError } from '@corelane/shared-memory';
import { TaskDeadlineError } from './errors.ts';
import { checkGrace, checkTimeout, MAX_RETRIES, type RunOptions } from './options.ts';
import type { Recorder } from './ports.ts';
import type { Settle } from './tickets.ts';
import { isMoved } from './transfer.ts';

/** In line. */
export const WAITS = -1;
export const ENDED = -2;
/** Its arguments are being written to a slot, or its result read: code of its users may run, and nothing ends it meanwhile. */
export const MOVES = -3;

/** What `Date` can name. */
const LATEST_MS = 8.64e15;
/** How often a task that may be retried is, by default. */
const RETRIES = 3;

export interface TaskTerms {
  /** The one that it is in, or WAITS, MOVES, ENDED. */
  slot: number;
  readonly task: string;
  /** Index of its name. */
  readonly id: number;
  readonly lane: number;
  /** Of a task that may be retried; the state of one that was moved. */
  args: unknown;
  readonly resolve: Settle;
  readonly reject: Settle;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number | undefined;
  readonly graceMs: number;
  /** How often it may run again. */
  retries: number;
  timer: NodeJS.Timeout | undefined;
  readonly recorder: Recorder | undefined;
  /** When it was submitted, by `sharedNowMs()`; 0 where nobody asks. */
  readonly startMs: number;
}

export function epochMs(): number {
  return performance.timeOrigin + performance.now();
}

/** @returns undefined where it has none. @throws ArgumentRangeError, TaskDeadlineError */
export function termsOf(
  task: string,
  id: number,
  lane: number,
  args: unknown,
  resolve: Settle,
  reject: Settle,
  options: RunOptions | undefined,
  usualGraceMs: number,
  recorder: Recorder | undefined,
  startMs: number | undefined,
): TaskTerms | undefined {
  const signal = options?.signal;
  if (signal !== undefined) checkSignal(signal);
  const timeoutMs = checkTimeout(options?.timeoutMs);
  const deadlineMs = deadlineOf(task, options?.deadlineMs);
  const graceMs = checkGrace(options?.graceMs, usualGraceMs);
  const retries = retriesOf(options, args);
  if (
    signal === undefined &&
    timeoutMs === undefined &&
    deadlineMs === undefined &&
    retries === 0 &&
    startMs === undefined
  )
    return undefined;
  return {
    slot: WAITS,
    task,
    id,
    lane,
    args: retries > 0 ? args : undefined,
    resolve,
    reject,
    signal,
    timeoutMs,
    deadlineMs,
    graceMs,
    retries,
    timer: undefined,
    recorder,
    startMs: startMs ?? 0,
  };
}

function deadlineOf(task: string, deadlineMs: number | undefined): number | undefined {
  if (deadlineMs === undefined) return undefined;
  if (typeof deadlineMs !== 'number' || !(Math.abs(deadlineMs) <= LATEST_MS))
    throw new ArgumentRangeError('deadlineMs', deadlineMs, 'milliseconds since the epoch, as of Date.now()');
  if (deadlineMs <= epochMs()) throw new TaskDeadlineError(task, deadlineMs, false);
  return deadlineMs;
}

function checkSignal(signal: Partial<AbortSignal> | null): void {
  const isSignal =
    typeof signal?.aborted === 'boolean' &&
    typeof signal.addEventListener === 'function' &&
    typeof signal.removeEventListener === 'function';
  if (!isSignal) throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
}

function retriesOf(options: RunOptions | undefined, args: unknown): number {
  const retries = options?.retries;
  const isIdempotent = options?.idempotent;
  if (isIdempotent !== undefined && typeof isIdempotent !== 'boolean')
    throw new ArgumentRangeError('idempotent', isIdempotent, 'true or false');
  if (retries !== undefined && (!Number.isInteger(retries) || retries < 0 || retries > MAX_RETRIES))
    throw new ArgumentRangeError('retries', retries, `an integer from 0 to ${MAX_RETRIES}`);
  if (isIdempotent !== true) {
    if (retries !== undefined && retries > 0)
      throw new ArgumentRangeError(
        'retries',
        retries,
        '0, or else `idempotent: true`: the task may run twice',
      );
    return 0;
  }
  const most = retries ?? RETRIES;
  if (most > 0 && (options?.transferList !== undefined || isMoved(args)))
    throw new ArgumentRangeError(
      'idempotent',
      true,
      'false where arguments are moved: there is nothing to send again',
    );
  return most;
}
