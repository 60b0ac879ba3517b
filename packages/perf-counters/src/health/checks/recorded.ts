// What a histogram or timer has recorded since the last look: its mean, or a quantile.
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck } from '../check.ts';
import type { Measured } from '../measurement.ts';
import { ArgumentRangeError, aFunction, atLeast, onlyKnown } from '../option-checks.ts';
import type { RecordedFigures } from '../ports.ts';

export interface RecordedCheckOptions extends CheckOptions {
  /** All that was recorded so far: `() => timer.distribution()`. */
  readonly source: () => RecordedFigures;
  /** 'mean', or a quantile from 0 to 1; 0.99 by default. */
  readonly statistic?: 'mean' | number;
  /** How many wait now. Nothing recorded while something waits is not idle: it counts as waiting since something was recorded last. */
  readonly waiting?: () => number;
  /** Of the recorded values, 'seconds' by default. */
  readonly unit?: string;
}

const OPTIONS = [...CHECK_OPTIONS, 'source', 'statistic', 'waiting', 'unit'];
const UNITS_PER_MS: Readonly<Record<string, number>> = { seconds: 1e-3, ms: 1, us: 1e3, ns: 1e6 };

/**
 * Any name and unit; the caller sets thresholds. A quantile is off by the width of its bucket at most, within which values are taken
 * to be spread evenly, as in `histogram_quantile` of Prometheus. @throws ArgumentRangeError
 */
export function recordedCheck(options: RecordedCheckOptions & { readonly name: string }): HealthCheck {
  onlyKnown('option of a check', options, OPTIONS);
  const { source, statistic = 0.99, waiting, unit = 'seconds', ...rest } = options;
  aFunction('source', source);
  if (statistic !== 'mean') atLeast('statistic', statistic, 0, 1);
  if (waiting !== undefined) {
    aFunction('waiting', waiting);
    if (!Object.hasOwn(UNITS_PER_MS, unit))
      throw new ArgumentRangeError(
        'unit',
        unit,
        `one of ${Object.keys(UNITS_PER_MS).join(', ')}, where waiting is given`,
      );
  }
  const perMs = UNITS_PER_MS[unit] ?? 0;
  let before: Seen | undefined;
  let movedMs = 0;
  return {
    ...rest,
    unit,
    begin: (nowMs) => {
      before = seen(source());
      movedMs = nowMs;
    },
    measure: ({ nowMs }): Measured => {
      const now = seen(source());
      const count = now.count - (before?.count ?? 0);
      if (count > 0 || before === undefined) {
        const value = before === undefined ? null : statisticOf(statistic, before, now, count);
        before = now;
        movedMs = nowMs;
        return value === null ? { pending: 'counted from here' } : { value, detail: `of ${count} values` };
      }
      // A registry that was made anew counts from 0.
      if (count < 0) before = now;
      const queued = waiting?.() ?? 0;
      if (queued > 0)
        return { value: (nowMs - movedMs) * perMs, detail: `${queued} waiting, and none has gone on` };
      movedMs = nowMs;
      return { idle: 'nothing was recorded' };
    },
  };
}

/** Check `queue-wait`, of a timer of waits in seconds; 99 of 100 are to wait no longer than 0.1. @throws ArgumentRangeError */
export function queueWaitCheck(options: RecordedCheckOptions): HealthCheck {
  return recordedCheck({
    ...options,
    name: options.name ?? 'queue-wait',
    warn: orDefault(options.warn, 0.1),
  });
}

function orDefault<T>(given: T | undefined, byDefault: T): T {
  return given === undefined ? byDefault : given;
}

interface Seen {
  readonly count: number;
  readonly sum: number;
  readonly max: number | null;
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

function seen(figures: RecordedFigures): Seen {
  const { count, sum, max } = figures;
  return { count, sum, max, buckets: figures.buckets() };
}

function statisticOf(statistic: 'mean' | number, before: Seen, now: Seen, count: number): number {
  if (statistic === 'mean' || now.buckets.length === 0) return (now.sum - before.sum) / count;
  // Of a figure that may be a record behind the other, the buckets' own.
  const recorded = now.buckets.map(({ le, count: all }, i) => ({
    le,
    count: all - (before.buckets[i]?.count ?? 0),
  }));
  const total = recorded.at(-1)?.count ?? 0;
  const rank = Math.max(1, Math.ceil(statistic * total));
  const max = now.max ?? 0;
  let lower = 0;
  let below = 0;
  for (const { le, count: upTo } of recorded) {
    if (upTo >= rank) {
      const upper = Math.min(le, Math.max(max, lower));
      return lower + ((upper - lower) * (rank - below)) / (upTo - below);
    }
    lower = le;
    below = upTo;
  }
  return max;
}
