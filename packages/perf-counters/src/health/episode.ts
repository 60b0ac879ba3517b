// One level of one check as a machine of states: when an episode begins, and when it is over. Pure.
//
//            `after` breaches in a row                     began
//   closed ─────────────────────────────▶ open      outcome
//          ◀─────────────────────────────                  ended
//            `recoverAfter` clears in a row
//
// A value between `recoverAt` and `at` neither begins an episode nor helps to end one; what is unknown changes nothing at all.
// So there is one beginning and one end to each episode, whatever the value does in between.

export type Level = 'warn' | 'critical';

export interface Rule {
  /** A value beyond it is a breach; null where only failures are. */
  readonly at: number | null;
  /** A value within it is clear. Not beyond `at`. */
  readonly recoverAt: number | null;
  /** Breaches in a row that begin an episode. */
  readonly after: number;
  /** Clears in a row that end it. */
  readonly recoverAfter: number;
}

/** `above`: high values are bad. */
export type Direction = 'above' | 'below';

export type Observation = 'breach' | 'band' | 'clear' | 'unknown';

export interface Episode {
  readonly isOpen: boolean;
  /** Observations in a row that speak for a change: breaches while closed, clears while open. */
  readonly streak: number;
}

export interface EpisodeStep {
  readonly outcome: 'none' | 'began' | 'ended';
  readonly next: Episode;
}

export const CLOSED: Episode = { isOpen: false, streak: 0 };
const OPEN: Episode = { isOpen: true, streak: 0 };

/** Beyond means more than, or less than where low values are bad; what is just at the threshold is not. */
export function observe(value: number, { at, recoverAt }: Rule, direction: Direction): Observation {
  const sign = direction === 'above' ? 1 : -1;
  if (at !== null && sign * value > sign * at) return 'breach';
  return recoverAt === null || sign * value <= sign * recoverAt ? 'clear' : 'band';
}

export function stepEpisode(episode: Episode, observation: Observation, rule: Rule): EpisodeStep {
  if (observation === 'unknown') return { outcome: 'none', next: episode };
  const isForChange = observation === (episode.isOpen ? 'clear' : 'breach');
  const streak = isForChange ? episode.streak + 1 : 0;
  if (streak < (episode.isOpen ? rule.recoverAfter : rule.after))
    return { outcome: 'none', next: { isOpen: episode.isOpen, streak } };
  return episode.isOpen ? { outcome: 'ended', next: CLOSED } : { outcome: 'began', next: OPEN };
}
