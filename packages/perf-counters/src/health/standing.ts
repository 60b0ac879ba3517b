// Where a check stands after all its measurements: its two levels, and whether anything is known at all. Pure.
import {
  CLOSED,
  observe,
  stepEpisode,
  type Direction,
  type Episode,
  type Level,
  type Rule,
} from './episode.ts';
import type { Measurement } from './measurement.ts';

export interface Rules {
  readonly warn: Rule | null;
  readonly critical: Rule | null;
  readonly direction: Direction;
  /** Measurements in a row that told nothing, after which what was known before no longer counts. */
  readonly unknownAfter: number;
}

/**
 * `unsettled`: only breaches so far, and too few of them; or not measured yet. `idle`: the last measurement found nothing
 * to measure.
 */
export type Standing = 'unsettled' | 'ok' | 'idle' | 'unknown' | 'warning' | 'critical';

export interface CheckState {
  readonly warn: Episode;
  readonly critical: Episode;
  /** In a row, up to now. */
  readonly unknowns: number;
  /** Something was found that is not a breach, or an episode has begun. */
  readonly isSettled: boolean;
  readonly isIdle: boolean;
}

export interface CheckStep {
  readonly next: CheckState;
  /** What has changed, the graver first. */
  readonly changes: readonly { readonly level: Level; readonly outcome: 'began' | 'ended' }[];
}

export const UNMEASURED: CheckState = {
  warn: CLOSED,
  critical: CLOSED,
  unknowns: 0,
  isSettled: false,
  isIdle: false,
};

const LEVELS: readonly Level[] = ['critical', 'warn'];

export function stepCheck(state: CheckState, measurement: Measurement, rules: Rules): CheckStep {
  if (measurement.kind === 'pending') return { next: state, changes: [] };
  if (measurement.kind === 'unknown')
    return { next: { ...state, unknowns: state.unknowns + 1, isIdle: false }, changes: [] };
  const changes: CheckStep['changes'][number][] = [];
  const next = { warn: state.warn, critical: state.critical };
  let isBreach = false;
  for (const level of LEVELS) {
    const rule = rules[level];
    if (rule === null) continue;
    const observation =
      measurement.kind === 'value'
        ? observe(measurement.value, rule, rules.direction)
        : measurement.kind === 'failed'
          ? 'breach'
          : 'clear';
    if (observation === 'breach') isBreach = true;
    const step = stepEpisode(next[level], observation, rule);
    next[level] = step.next;
    if (step.outcome !== 'none') changes.push({ level, outcome: step.outcome });
  }
  const isOpen = next.warn.isOpen || next.critical.isOpen;
  return {
    next: {
      ...next,
      unknowns: 0,
      isSettled: state.isSettled || !isBreach || isOpen,
      isIdle: measurement.kind === 'idle',
    },
    changes,
  };
}

/** An open episode outweighs what is not known: it has not been seen to end. */
export function standingOf(state: CheckState, { unknownAfter }: Pick<Rules, 'unknownAfter'>): Standing {
  if (state.critical.isOpen) return 'critical';
  if (state.warn.isOpen) return 'warning';
  if (state.unknowns >= unknownAfter || (state.unknowns > 0 && !state.isSettled)) return 'unknown';
  if (!state.isSettled) return 'unsettled';
  return state.isIdle ? 'idle' : 'ok';
}
