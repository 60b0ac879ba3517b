// What a search throws when the scenario does not hold.

/**
 * - `race`: two adjacent accesses to one word, at least one plain and at least one a write
 * - `deadlock`: every unfinished thread is parked with no time-out
 * - `livelock`: from some state on, no schedule at all ends
 * - `invariant`, `check`: the scenario's own callbacks
 * - `mixed-size`: the same bytes accessed with 32 and with 64 bits
 * - `bounds`: an address outside the memory, or unaligned
 * - `exception`: a thread threw
 * - `nondeterminism`: a thread is not a function of what its accesses return
 * - `truncated`: maxSteps or maxStates was reached, so that nothing is proved
 * - `not-on-twin`: no thread made an access on the twin
 */
export type ViolationKind =
  | 'race'
  | 'deadlock'
  | 'livelock'
  | 'invariant'
  | 'check'
  | 'mixed-size'
  | 'bounds'
  | 'exception'
  | 'nondeterminism'
  | 'truncated'
  | 'not-on-twin';

export interface Statistics {
  /** Distinct states reached. */
  readonly states: number;
  /** Steps taken from them. */
  readonly transitions: number;
  /** Distinct states in which all threads have finished. */
  readonly ends: number;
  /** Every interleaving was searched (up to `preemptions`, where given): nothing was cut off. */
  readonly complete: boolean;
  /** Steps of the longest trace. */
  readonly longestTrace: number;
  /** Distinct accesses on the twin: one for each thread and history of that thread. Never 0. */
  readonly accesses: number;
}

export class Violation extends Error {
  readonly kind: ViolationKind;
  readonly code: `ERR_INTERLEAVE_${string}`;
  /** What is wrong, without the trace. */
  readonly why: string;
  /** One line a step, from the start to the violation. */
  readonly trace: readonly string[];
  /** How far the search had come. */
  readonly statistics: Statistics;

  constructor(
    kind: ViolationKind,
    scenario: string,
    why: string,
    trace: readonly string[],
    statistics: Statistics,
    options?: ErrorOptions,
  ) {
    super([`${scenario}: ${kind}: ${why}`, ...trace].join('\n'), options);
    this.name = 'Violation';
    this.kind = kind;
    this.code = `ERR_INTERLEAVE_${kind.toUpperCase().replaceAll('-', '_')}`;
    this.why = why;
    this.trace = trace;
    this.statistics = statistics;
  }
}
