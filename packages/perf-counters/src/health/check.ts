// What a health check is, and its options made into rules.
import type { Direction, Level, Rule } from './episode.ts';
import type { UnknownPolicy } from './health-state.ts';
import type { Measured } from './measurement.ts';
import {
  atLeast,
  ArgumentRangeError,
  isObject,
  onlyKnown,
  oneOf,
  text,
  wholeNumber,
} from './option-checks.ts';
import type { Rules } from './standing.ts';

export interface Threshold {
  /** A value beyond it is a breach. Absent: only a check that fails or is late is. */
  readonly at?: number;
  /** A value within it is clear; a tenth of `at` within by default. */
  readonly recoverAt?: number;
  /** Breaches in a row that begin an episode; 3 by default. */
  readonly after?: number;
  /** Clear values in a row that end it; as many as `after` by default. */
  readonly recoverAfter?: number;
}

export interface CheckOptions {
  /** Unique in a monitor. */
  readonly name?: string;
  /** While its episode lasts, the monitor is `degraded`. A number is `{ at }`. */
  readonly warn?: number | Threshold | null;
  /** While its episode lasts, the monitor is `unready`. A number is `{ at }`. */
  readonly critical?: number | Threshold | null;
  /** What the monitor is while nothing is known of this check: 'degraded' by default. */
  readonly unknown?: UnknownPolicy;
  /** Measurements in a row that told nothing, after which the last one that did no longer counts; 3 by default. */
  readonly unknownAfter?: number;
  /** Of an asynchronous check; 5000 by default. One that takes longer has failed. */
  readonly timeoutMs?: number;
  /** At least so long from one measurement to the next; that of the monitor by default, which is also the least. */
  readonly intervalMs?: number;
  /** In the mean of the score; 1 by default. */
  readonly weight?: number;
}

export interface MeasureContext {
  /** Aborted when the measurement has taken too long, or the monitor is disposed. */
  readonly signal: AbortSignal;
  /** Of the monitor's clock. */
  readonly nowMs: number;
  /** How much later than planned this measurement begins: what has held up the event loop. */
  readonly lateMs: number;
}

/** Of one monitor alone, where it holds something. */
export interface HealthCheck extends CheckOptions {
  readonly name: string;
  /** Of the value: 'ratio', 'ms'. */
  readonly unit?: string;
  /** 'above' by default: high values are bad. */
  readonly direction?: Direction;
  /**
   * When a monitor takes it on: what is to be counted from here. What it throws the monitor throws; a promise is awaited before the first
   * measurement, within the time of that, and where it rejects the check has failed.
   */
  begin?(nowMs: number): unknown;
  /** Throwing, rejecting, and anything that is not `Measured` are failures. */
  measure(context: MeasureContext): Measured | Promise<Measured>;
  /** When the monitor is disposed. */
  [Symbol.dispose]?(): void;
}

export const CHECK_OPTIONS = [
  'name',
  'warn',
  'critical',
  'unknown',
  'unknownAfter',
  'timeoutMs',
  'intervalMs',
  'weight',
] as const;
const UNKNOWN_POLICIES: readonly UnknownPolicy[] = ['degraded', 'unready', 'ignore'];
const THRESHOLD_OPTIONS = ['at', 'recoverAt', 'after', 'recoverAfter'];
const CHECK_MEMBERS = [...CHECK_OPTIONS, 'unit', 'direction', 'begin', 'measure'];
/** Longer than timers run. */
const MAX_MS = 2 ** 31 - 1;
/** Of the threshold: how far within it a value must be for recovery. Guessed. */
const BAND = 0.1;

export interface PlannedCheck {
  readonly check: HealthCheck;
  readonly rules: Rules;
  readonly unit: string;
  readonly unknown: UnknownPolicy;
  readonly timeoutMs: number;
  readonly intervalMs: number;
  readonly weight: number;
}

/** @throws ArgumentRangeError */
export function planCheck(check: HealthCheck, monitorIntervalMs: number): PlannedCheck {
  if (!isObject(check) || typeof check.measure !== 'function')
    throw new ArgumentRangeError('check', check, 'an object with a name and measure()');
  text('name of a check', check.name);
  const of = `of check ${check.name}`;
  // An instance of a class has what it likes of its own.
  if (Object.getPrototypeOf(check) === Object.prototype) onlyKnown(`option ${of}`, check, CHECK_MEMBERS);
  const {
    direction = 'above',
    unit = '',
    unknown = 'degraded',
    unknownAfter = 3,
    timeoutMs = 5000,
    intervalMs = monitorIntervalMs,
    weight = 1,
  } = check;
  oneOf(`direction ${of}`, direction, ['above', 'below']);
  oneOf(`unknown ${of}`, unknown, UNKNOWN_POLICIES);
  if (typeof unit !== 'string') throw new ArgumentRangeError(`unit ${of}`, unit, 'a string');
  wholeNumber(`unknownAfter ${of}`, unknownAfter, 1);
  atLeast(`timeoutMs ${of}`, timeoutMs, 1, MAX_MS);
  atLeast(`intervalMs ${of}`, intervalMs, monitorIntervalMs, MAX_MS);
  atLeast(`weight ${of}`, weight, 0, 1e9);
  const warn = rule('warn', of, check.warn, direction);
  const critical = rule('critical', of, check.critical, direction);
  if (warn === null && critical === null)
    throw new ArgumentRangeError(`warn ${of}`, check.warn, 'a threshold here, or in critical');
  checkOrder(of, warn, critical, direction);
  return {
    check,
    rules: { warn, critical, direction, unknownAfter },
    unit,
    unknown,
    timeoutMs,
    intervalMs,
    weight,
  };
}

function rule(
  level: Level,
  of: string,
  threshold: number | Threshold | null | undefined,
  direction: Direction,
): Rule | null {
  if (threshold === undefined || threshold === null) return null;
  const options = typeof threshold === 'number' ? { at: threshold } : threshold;
  const named = `${level} ${of}`;
  if (!isObject(options)) throw new ArgumentRangeError(named, threshold, 'a number, or { at, recoverAt, … }');
  onlyKnown(`option of ${named}`, options, THRESHOLD_OPTIONS);
  const { at = null, after = 3, recoverAfter = after } = options;
  wholeNumber(`after, ${named}`, after, 1);
  wholeNumber(`recoverAfter, ${named}`, recoverAfter, 1);
  if (at === null) {
    if (options.recoverAt !== undefined)
      throw new ArgumentRangeError(`at, ${named}`, at, 'a number, where there is recoverAt');
    return { at, recoverAt: null, after, recoverAfter };
  }
  const sign = direction === 'above' ? 1 : -1;
  const { recoverAt = at - sign * BAND * Math.abs(at) } = options;
  if (!Number.isFinite(at)) throw new ArgumentRangeError(`at, ${named}`, at, 'a finite number');
  if (!Number.isFinite(recoverAt) || sign * recoverAt > sign * at)
    throw new ArgumentRangeError(
      `recoverAt, ${named}`,
      recoverAt,
      `a number not ${direction} ${at}, where the episode begins`,
    );
  return { at, recoverAt, after, recoverAfter };
}

/** The score is read off lines through these points. */
function checkOrder(of: string, warn: Rule | null, critical: Rule | null, direction: Direction): void {
  if (warn === null || critical === null || warn.at === null || critical.at === null) return;
  const isInOrder = direction === 'above' ? critical.at >= warn.at : critical.at <= warn.at;
  if (!isInOrder)
    throw new ArgumentRangeError(
      `critical ${of}`,
      critical.at,
      `at ${direction === 'above' ? 'least' : 'most'} ${warn.at}, where it warns`,
    );
}
