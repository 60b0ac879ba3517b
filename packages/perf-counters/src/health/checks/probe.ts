// A check that asks something else, and fails where that does not answer well.
import { CHECK_OPTIONS, type CheckOptions, type HealthCheck } from '../check.ts';
import type { Level } from '../episode.ts';
import { aFunction, onlyKnown, oneOf, wholeNumber } from '../option-checks.ts';

export interface ProbeCheckOptions extends Omit<CheckOptions, 'warn' | 'critical'> {
  readonly name: string;
  /** Resolves where all is well, and throws or rejects where it is not; `signal` is aborted when its time is over. */
  readonly probe: (signal: AbortSignal) => unknown;
  /** What its failure is: 'critical' by default, which makes the whole unready. */
  readonly level?: Level;
  /** Failures in a row that begin an episode; 3 by default. */
  readonly after?: number;
  /** Successes in a row that end it; 1 by default. */
  readonly recoverAfter?: number;
}

/** @throws ArgumentRangeError */
export function probeCheck(options: ProbeCheckOptions): HealthCheck {
  const known = [...CHECK_OPTIONS.filter((name) => name !== 'warn' && name !== 'critical')];
  onlyKnown('option of probeCheck', options, [...known, 'probe', 'level', 'after', 'recoverAfter']);
  const { probe, level = 'critical', after = 3, recoverAfter = 1, ...rest } = options;
  aFunction('probe', probe);
  oneOf('level', level, ['warn', 'critical']);
  wholeNumber('after', after, 1);
  wholeNumber('recoverAfter', recoverAfter, 1);
  return {
    ...rest,
    [level]: { after, recoverAfter },
    measure: async ({ signal }) => {
      await probe(signal);
      return { value: 0, detail: 'answered' };
    },
  };
}
