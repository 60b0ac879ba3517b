/** How long a park may last, and how long it is waited for. Both always end. */
import { PlatformOptionError } from '../errors.ts';
import { checkOptions } from '../options.ts';
import { shown } from '../shown.ts';

export interface ParkOptions {
  /** After that the worker resumes by itself, in ms. More than 0, at most 60,000; default 1,000. The worker itself looks at the clock. */
  readonly timeoutMs?: number;
  /** How long to wait for the worker to stand still, in ms, before the request is withdrawn. More than 0, at most 10,000; default 100. */
  readonly requestTimeoutMs?: number;
  /** Ends the waiting, not a park that was answered. Of `parkAsync` only: what blocks a thread cannot hear a signal. */
  readonly signal?: AbortSignal;
}

const MAX_TIMEOUT_MS = 60_000;
const MAX_REQUEST_TIMEOUT_MS = 10_000;
/** Guessed: long enough to look around, short enough for a service to survive a parker that died. */
const DEFAULT_TIMEOUT_MS = 1_000;
/** Guessed: a running worker needs microseconds, an idle one a turn of its event loop. */
const DEFAULT_REQUEST_TIMEOUT_MS = 100;

export interface ParkTimes {
  readonly timeoutNs: number;
  readonly requestNs: number;
}

/** @throws PlatformOptionError */
export function readTimes(options: ParkOptions = {}): ParkTimes {
  checkOptions('parking', options, ['timeoutMs', 'requestTimeoutMs', 'signal']);
  if (options.signal !== undefined && !(options.signal instanceof AbortSignal))
    throw new PlatformOptionError('signal', `expected an AbortSignal, found ${shown(options.signal)}`);
  return {
    timeoutNs: nanoseconds('timeoutMs', options.timeoutMs ?? DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS),
    requestNs: nanoseconds(
      'requestTimeoutMs',
      options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
      MAX_REQUEST_TIMEOUT_MS,
    ),
  };
}

function nanoseconds(name: string, ms: unknown, max: number): number {
  if (typeof ms !== 'number' || !(ms > 0 && ms <= max))
    throw new PlatformOptionError(name, `expected a number above 0 and at most ${max}, found ${shown(ms)}`);
  return Math.max(1, Math.round(ms * 1e6));
}
