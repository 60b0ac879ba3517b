// Named outcomes. Numbers, because they come from the kernel and a hot path allocates nothing.
import { ArgumentRangeError } from '@corelane/shared-memory';
import {
  RECORD_CLOSED,
  RECORD_COUNTED,
  RECORD_REOPENED,
  RECORD_STALE,
  RECORD_TRIPPED,
  REFUSED_BUSY,
  REFUSED_ISOLATED,
  REFUSED_OPEN,
  REFUSED_PROBING,
  REFUSED_THROTTLED,
} from './layout.ts';

/** Why `tryAcquire` refused: a negative outcome. Any outcome from 0 up is an admission, to be handed to `recordDelivery`. */
export const Refusal = {
  /** No token left; more come with time. */
  Throttled: REFUSED_THROTTLED,
  /** The breaker is open. */
  Open: REFUSED_OPEN,
  /** The breaker is half open and all its probes are out. */
  Probing: REFUSED_PROBING,
  /** As many calls are in flight as `capacity` allows. */
  Busy: REFUSED_BUSY,
  /** Isolated by hand. */
  Isolated: REFUSED_ISOLATED,
} as const;

/** What `recordDelivery` did. */
export const Recorded = {
  /** Counted; the state is the same. */
  Counted: RECORD_COUNTED,
  /** This bad result, failed or slow, opened the breaker. Exactly one caller gets it for each trip. */
  Tripped: RECORD_TRIPPED,
  /** This probe closed the breaker. */
  Closed: RECORD_CLOSED,
  /** This probe opened the breaker again. */
  Reopened: RECORD_REOPENED,
  /** The call was admitted before the breaker last opened, or it is open now, or this call's permit was given back before: not counted. */
  Stale: RECORD_STALE,
} as const;

export type RecordOutcome = (typeof Recorded)[keyof typeof Recorded];

export type AcquireOutcomeName =
  | 'admitted'
  | 'probe'
  | 'throttled'
  | 'open'
  | 'probing'
  | 'busy'
  | 'isolated';

/**
 * The outcome of `tryAcquire` by name, for logs and exhaustive switches. That of `enqueue` has `enqueueOutcomeName`.
 * @throws ArgumentRangeError where it is no outcome
 */
export function acquireOutcomeName(outcome: number): AcquireOutcomeName {
  if (outcome >= 0) return isProbe(outcome) ? 'probe' : 'admitted';
  switch (outcome) {
    case Refusal.Throttled:
      return 'throttled';
    case Refusal.Open:
      return 'open';
    case Refusal.Probing:
      return 'probing';
    case Refusal.Busy:
      return 'busy';
    case Refusal.Isolated:
      return 'isolated';
    default:
      throw new ArgumentRangeError('outcome', outcome, 'an admission, from 0 up, or one of Refusal');
  }
}

/** The outcome of `recordDelivery` by name. */
export function recordOutcomeName(outcome: RecordOutcome): Lowercase<keyof typeof Recorded> {
  switch (outcome) {
    case Recorded.Counted:
      return 'counted';
    case Recorded.Tripped:
      return 'tripped';
    case Recorded.Closed:
      return 'closed';
    case Recorded.Reopened:
      return 'reopened';
    case Recorded.Stale:
      return 'stale';
  }
}

/** True where the call may be made. */
export function isAdmitted(outcome: number): boolean {
  return outcome >= 0;
}

/** True where the call may be made and is a probe of a half-open breaker. */
export function isProbe(outcome: number): boolean {
  return outcome >= 0 && (outcome & 1) === 1;
}
