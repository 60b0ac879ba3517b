// Health as a number from 0 to 100. Pure.
//
// A check: 100 up to where it would recover, 50 at its warning, 0 at its critical threshold and beyond, straight lines in between. Without a
// critical threshold 0 is as far beyond the warning as 100 is within it; without thresholds it is 100 or 0. A failure is 0.
// Unknown is 50, or 0 where it makes the whole unready, or left out where it is ignored. Idle is left out.
//
// The whole: half of it is the worst check, half the weighted mean of all. So one check at 0 costs at least half, however many are well, and
// two are worse than one. 100 only where every check is at 100, 0 only where every check is at 0.
import type { UnknownPolicy } from './health-state.ts';
import type { Measurement } from './measurement.ts';
import type { Rules } from './standing.ts';

/** @returns 0 to 100, or null where the check does not count */
export function scoreOf(measurement: Measurement, rules: Rules, unknown: UnknownPolicy): number | null {
  switch (measurement.kind) {
    case 'idle':
    case 'pending':
      return null;
    case 'failed':
      return 0;
    case 'unknown':
      return unknown === 'ignore' ? null : unknown === 'degraded' ? 50 : 0;
    case 'value':
      return scoreOfValue(measurement.value, rules);
  }
}

function scoreOfValue(value: number, { warn, critical, direction }: Rules): number {
  const sign = direction === 'above' ? 1 : -1;
  // Without a warning, the critical threshold alone: 100 within, 0 beyond, by a line where there is a band.
  const good = warn?.recoverAt ?? critical?.recoverAt ?? null;
  const middle = warn?.at ?? null;
  const bad = critical?.at ?? (middle === null || good === null ? null : 2 * middle - good);
  if (good === null || bad === null) return 100;
  const at = sign * value;
  if (at <= sign * good) return 100;
  if (at > sign * bad) return 0;
  if (middle === null) return 100 * portion(at, sign * good, sign * bad);
  return at <= sign * middle
    ? 50 + 50 * portion(at, sign * good, sign * middle)
    : 50 * portion(at, sign * middle, sign * bad);
}

/** 1 at `from`, 0 at `to`. */
function portion(value: number, from: number, to: number): number {
  return to === from ? 0 : (to - value) / (to - from);
}

export interface Scored {
  readonly score: number | null;
  readonly weight: number;
}

/** @returns an integer from 0 to 100, null where no check counts */
export function totalScore(checks: readonly Scored[]): number | null {
  let worst = 100;
  let sum = 0;
  let weights = 0;
  for (const { score, weight } of checks) {
    if (score === null || weight === 0) continue;
    worst = Math.min(worst, score);
    sum += score * weight;
    weights += weight;
  }
  if (weights === 0) return null;
  const total = (worst + sum / weights) / 2;
  // Rounded towards the middle: 100 and 0 say that there is nothing left to say.
  return total > 50 ? Math.floor(total) : Math.ceil(total);
}
