// What only some tasks have: a signal, a time limit, a recorder. One record from the submission to the end, in line and in a slot.
import type { Recorder } from './ports.ts';
import type { Settle } from './tickets.ts';

export const WAITS = -1;
export const ENDED = -2;

export interface TaskTerms {
  /** The one that it is in, WAITS for one, or ENDED. */
  slot: number;
  readonly task: string;
  readonly level: number;
  readonly reject: Settle;
  readonly signal: AbortSignal | undefined;
  onAbort: (() => void) | undefined;
  readonly timeoutMs: number | undefined;
  readonly deadlineMs: number | undefined;
  timer: NodeJS.Timeout | undefined;
  readonly recorder: Recorder | undefined;
  /** When it was submitted, by `sharedNowMs()`; 0 where nobody asks. */
  readonly startMs: number;
}

/** Nothing fires any more. */
export function endTerms(terms: TaskTerms): void {
  terms.slot = ENDED;
  clearTimeout(terms.timer);
  if (terms.onAbort !== undefined) terms.signal?.removeEventListener('abort', terms.onAbort);
}
