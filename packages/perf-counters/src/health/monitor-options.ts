// Options of a monitor, checked.
import type { HealthCheck } from './check.ts';
import {
  ArgumentRangeError,
  aFunction,
  atLeast,
  isObject,
  onlyKnown,
  text,
  wholeNumber,
} from './option-checks.ts';
import { systemClock, type MonitorClock } from './ports.ts';
import type { TrendOptions } from './trend.ts';

export interface HealthMonitorOptions {
  /** At least one, each name once. A check belongs to one monitor. */
  readonly checks: readonly HealthCheck[];
  /** 'health' by default. */
  readonly name?: string;
  /** From one measurement to the next; 1000 by default, at least 10. */
  readonly intervalMs?: number;
  /** Without any measurement for so long it is neither ready nor live; 3 intervals by default, at least 5000. */
  readonly staleAfterMs?: number;
  /** How many measurements a trend is worked out from; 60 by default, from 12 to 1000. */
  readonly trendSamples?: number;
  /** How often chance may be taken for a trend; 0.05 by default. */
  readonly trendSignificance?: number;
  readonly clock?: MonitorClock;
  /** Disposes the monitor. */
  readonly signal?: AbortSignal;
}

export interface MonitorPlan {
  readonly checks: readonly HealthCheck[];
  readonly name: string;
  readonly intervalMs: number;
  readonly staleAfterMs: number;
  readonly trendSamples: number;
  readonly trend: Omit<TrendOptions, 'minChange'>;
  readonly clock: MonitorClock;
  readonly signal: AbortSignal | undefined;
}

const OPTIONS = [
  'checks',
  'name',
  'intervalMs',
  'staleAfterMs',
  'trendSamples',
  'trendSignificance',
  'clock',
  'signal',
];
/** Fewer measurements are hardly ever significant. */
const LEAST_TREND = 12;
/** A trend is worked out from all pairs: half a million. */
const MOST_TREND = 1000;
const DAY_MS = 86_400_000;

/** @throws ArgumentRangeError */
export function planMonitor(options: HealthMonitorOptions): MonitorPlan {
  if (!isObject(options)) throw new ArgumentRangeError('options', options, 'an object with checks');
  onlyKnown('option of HealthMonitor', options, OPTIONS);
  const { checks, name = 'health', intervalMs = 1000, clock = systemClock, signal } = options;
  const { staleAfterMs = Math.max(5000, 3 * intervalMs) } = options;
  const { trendSamples = 60, trendSignificance: significance = 0.05 } = options;
  text('name', name);
  atLeast('intervalMs', intervalMs, 10, DAY_MS);
  atLeast('staleAfterMs', staleAfterMs, intervalMs, 3 * DAY_MS);
  wholeNumber('trendSamples', trendSamples, LEAST_TREND);
  atLeast('trendSamples', trendSamples, LEAST_TREND, MOST_TREND);
  atLeast('trendSignificance', significance, 1e-9, 0.5);
  if (!isObject(clock)) throw new ArgumentRangeError('clock', clock, 'an object with now() and after()');
  for (const method of ['now', 'after'] as const)
    aFunction(`clock.${method}`, (clock as Record<typeof method, unknown>)[method]);
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new ArgumentRangeError('signal', signal, 'an AbortSignal');
  checkNames(checks);
  return {
    checks: [...checks],
    name,
    intervalMs,
    staleAfterMs,
    trendSamples,
    trend: { minSamples: LEAST_TREND, significance },
    clock,
    signal,
  };
}

function checkNames(checks: readonly HealthCheck[]): void {
  if (!Array.isArray(checks)) throw new ArgumentRangeError('checks', checks, 'an array of checks');
  if (checks.length === 0) throw new ArgumentRangeError('checks.length', 0, 'at least 1');
  const names = new Set<string>();
  for (const check of checks) {
    const name: unknown = (check as HealthCheck | null)?.name;
    if (typeof name === 'string' && names.has(name))
      throw new ArgumentRangeError('name of a check', name, 'each name once');
    names.add(name as string);
  }
}
