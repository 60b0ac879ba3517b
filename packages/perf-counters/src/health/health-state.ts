// The state of the whole, from where its checks stand. Pure.
//
//   starting ──▶ ready ◀──▶ degraded ◀──▶ unready        any ──▶ stopping
//
// `starting` lasts until every check has settled and never comes back; `stopping` is for ever.
import type { Standing } from './standing.ts';

export type HealthState = 'starting' | 'ready' | 'degraded' | 'unready' | 'stopping';

/** What a check of which nothing is known makes of the whole; `ignore`: nothing. */
export type UnknownPolicy = 'degraded' | 'unready' | 'ignore';

export interface Standpoint {
  readonly standing: Standing;
  readonly unknown: UnknownPolicy;
}

export type HealthInput = 'drain' | readonly Standpoint[];

export function nextHealth(current: HealthState, input: HealthInput): HealthState {
  if (current === 'stopping' || input === 'drain') return 'stopping';
  if (current === 'starting' && input.some(({ standing }) => standing === 'unsettled')) return 'starting';
  // A monitor of which every check is blind has seen nothing that speaks for health.
  const counted = input.filter(({ standing, unknown }) => standing !== 'unknown' || unknown !== 'ignore');
  if (counted.length > 0 && counted.every(({ standing }) => standing === 'unknown')) return 'unready';
  let next: HealthState = 'ready';
  for (const { standing, unknown } of counted) {
    const verdict = verdictOf(standing, unknown);
    if (verdict === 'unready') return 'unready';
    if (verdict === 'degraded') next = 'degraded';
  }
  return next;
}

function verdictOf(standing: Standing, unknown: UnknownPolicy): 'ready' | 'degraded' | 'unready' {
  switch (standing) {
    case 'critical':
      return 'unready';
    // Unsettled after all others have settled: it was unknown before, and what is found now is not good.
    case 'warning':
    case 'unsettled':
      return 'degraded';
    case 'unknown':
      return unknown === 'ignore' ? 'ready' : unknown;
    case 'ok':
    case 'idle':
      return 'ready';
  }
}

/** Whether it may be sent work. */
export function isReady(state: HealthState): boolean {
  return state === 'ready' || state === 'degraded';
}
