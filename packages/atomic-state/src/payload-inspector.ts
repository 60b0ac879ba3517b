// The port through which `enqueueInspected` finds out what a payload inflates to. `CompressionGuard` satisfies it.
import type { Encoding } from './compression/format.ts';
import { isBomb, isPassed, type Outcome } from './compression/inspection.ts';

export interface InspectionOptions {
  /** What the sender says that it is, as in `Content-Encoding`; without it, the first bytes decide. */
  readonly encoding?: Encoding | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PayloadInspector {
  /** @returns what came of it, and bytes out by bytes in as far as it came; rejects with `signal.reason` where it is aborted */
  inspect(
    bytes: Uint8Array,
    options?: InspectionOptions,
  ): Promise<{ readonly outcome: Outcome; readonly ratio: number }>;
}

/** What to do with a payload: let it in, let it in and note its ratio, or refuse it. */
export type Verdict = 'plain' | 'passed' | 'bomb' | 'unreadable' | 'uninspected';

export function verdictOf(outcome: Outcome): Verdict {
  if (isPassed(outcome)) return outcome;
  if (outcome === 'busy') return 'uninspected';
  return isBomb(outcome) ? 'bomb' : 'unreadable';
}
