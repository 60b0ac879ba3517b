// What a monitor tells: plain data that survives JSON.
import type { CheckRun, Change } from './check-run.ts';
import { observe, type Level } from './episode.ts';
import type { HealthState } from './health-state.ts';
import type { Standing } from './standing.ts';
import { trendOf, type Trend, type TrendOptions } from './trend.ts';

/** Steady: no trend that chance would not explain, or one that is too small to matter. Unknown: too few measurements. */
export type HealthCourse = 'improving' | 'steady' | 'worsening' | 'unknown';

export interface HealthTrend extends Omit<Trend, 'course'> {
  readonly course: HealthCourse;
}

export interface CheckReport {
  readonly name: string;
  readonly standing: Standing;
  /** The last one; null where the last measurement gave none. */
  readonly value: number | null;
  readonly unit: string;
  /** Where the value comes from, or why there is none. */
  readonly detail: string | null;
  readonly warnAt: number | null;
  readonly criticalAt: number | null;
  /** 0 to 100; null where it does not count. */
  readonly score: number | null;
  readonly trend: HealthTrend;
  /** Since the measurement; null before the first. */
  readonly ageMs: number | null;
  /** Of the episode that lasts; null where none does. */
  readonly episodeMs: number | null;
  /** That have begun so far. */
  readonly episodes: number;
}

export interface HealthReport {
  readonly monitor: string;
  readonly state: HealthState;
  readonly isReady: boolean;
  readonly isLive: boolean;
  /** 0 to 100; null where nothing is known. */
  readonly score: number | null;
  readonly trend: HealthTrend;
  /** Why it is not `ready`, a line each. */
  readonly reasons: readonly string[];
  /** Of the monitor. */
  readonly upMs: number;
  readonly checks: readonly CheckReport[];
}

/** One begins with event `warning` and ends with event `recovery`. */
export interface HealthEpisode {
  readonly monitor: string;
  readonly check: string;
  /** `critical` where it makes the whole unready. */
  readonly level: Level;
  /** Of the measurement; null where it gave none. */
  readonly value: number | null;
  readonly unit: string;
  /** Where the level begins, or for a recovery where it is over; null where only failures count. */
  readonly threshold: number | null;
  /** So far; null where the check has only failed. */
  readonly worst: number | null;
  readonly detail: string;
  /** How long it has lasted: 0 for a warning. */
  readonly episodeMs: number;
  /** Of the monitor's clock. */
  readonly atMs: number;
}

export interface HealthTransition {
  readonly monitor: string;
  readonly from: HealthState;
  readonly to: HealthState;
  readonly reasons: readonly string[];
  /** Of the monitor's clock. */
  readonly atMs: number;
}

export function episodeOf(
  monitor: string,
  run: CheckRun,
  { level, outcome, episode }: Change,
): HealthEpisode {
  const { check, rules, unit } = run.plan;
  const rule = rules[level];
  const { measurement } = run;
  return {
    monitor,
    check: check.name,
    level,
    value: measurement?.kind === 'value' ? measurement.value : null,
    unit,
    threshold: (outcome === 'began' ? rule?.at : rule?.recoverAt) ?? null,
    worst: episode.worst,
    detail: describe(run),
    episodeMs: run.measuredAtMs - episode.sinceMs,
    atMs: run.measuredAtMs,
  };
}

export function checkReport(
  run: CheckRun,
  nowMs: number,
  trend: Omit<TrendOptions, 'minChange'>,
): CheckReport {
  const { check, rules, unit } = run.plan;
  const { measurement, episode } = run;
  return {
    name: check.name,
    standing: run.standing,
    value: measurement?.kind === 'value' ? measurement.value : null,
    unit,
    detail: measurement?.detail ?? null,
    warnAt: rules.warn?.at ?? null,
    criticalAt: rules.critical?.at ?? null,
    score: run.score === null ? null : Math.round(run.score),
    trend: checkTrend(run, trend),
    ageMs: measurement === null ? null : nowMs - run.measuredAtMs,
    episodeMs: episode === undefined ? null : nowMs - episode.sinceMs,
    episodes: run.episodes,
  };
}

/** Of a hundredth of its threshold or less, a change does not matter. Guessed. */
const RELEVANT = 0.01;

function checkTrend({ plan, values }: CheckRun, options: Omit<TrendOptions, 'minChange'>): HealthTrend {
  const { warn, critical, direction } = plan.rules;
  const minChange = Math.abs(warn?.at ?? critical?.at ?? 0) * RELEVANT;
  const { course, ...rest } = trendOf(values.times(), values.values(), { ...options, minChange });
  const isBad = course === (direction === 'above' ? 'rising' : 'falling');
  return { course: inWords(course, isBad), ...rest };
}

/** @param course of the score: high is good */
export function scoreTrend({ course, ...rest }: Trend): HealthTrend {
  return { course: inWords(course, course === 'falling'), ...rest };
}

function inWords(course: Trend['course'], isBad: boolean): HealthCourse {
  if (course === 'unknown' || course === 'steady') return course;
  return isBad ? 'worsening' : 'improving';
}

/** A line on a check that is not well. */
export function describe(run: CheckRun): string {
  const { check, rules, unit } = run.plan;
  const { measurement } = run;
  if (measurement === null) return `${check.name}: not measured yet`;
  if (measurement.kind !== 'value') return `${check.name}: ${measurement.detail}`;
  const shown = `${short(measurement.value)}${unit === '' ? '' : ` ${unit}`}`;
  const limits = [
    rules.warn?.at == null ? [] : [`warns ${rules.direction} ${short(rules.warn.at)}`],
    rules.critical?.at == null ? [] : [`critical ${rules.direction} ${short(rules.critical.at)}`],
  ].flat();
  limits.push(...goesOn(run, measurement.value));
  const detail = measurement.detail === null ? '' : ` (${measurement.detail})`;
  return `${check.name}: ${shown}${limits.length === 0 ? '' : `, ${limits.join(', ')}`}${detail}`;
}

/** What ends an episode that goes on with a value that would begin none. */
function goesOn({ plan: { rules }, episode }: CheckRun, value: number): string[] {
  const rule = episode && rules[episode.level];
  if (!rule || rule.recoverAt === null || observe(value, rule, rules.direction) === 'breach') return [];
  const side = rules.direction === 'above' ? 'less' : 'more';
  return [`recovers after ${rule.recoverAfter} in a row of ${short(rule.recoverAt)} or ${side}`];
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
