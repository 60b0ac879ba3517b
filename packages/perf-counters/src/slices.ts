// Long work on a thread that has other things to do: in slices, between which the event loop turns.
import { setImmediate as turnLoop } from 'node:timers/promises';
import { ArgumentRangeError } from './errors.ts';
import { checkMethod, checkSignal } from './option-names.ts';
import type { Clock } from './ports.ts';

/** Guessed: a third of what is felt as a stall (5 ms), for what a slice takes longer than it was meant to. */
const SLICE_MS = 1.5;

export interface SliceOptions {
  /** Ends the work between two slices. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds after which the event loop gets its turn; 1.5 by default. */
  readonly sliceMs?: number | undefined;
  /** `performance` by default. */
  readonly clock?: Clock | undefined;
}

/**
 * Takes everything from `steps`, a slice at a time: an array for each. The first slice runs at once.
 * @throws the signal's reason, ArgumentRangeError
 */
export async function* inSlices<T>(
  steps: Iterable<T>,
  { signal, sliceMs = SLICE_MS, clock = performance }: SliceOptions = {},
): AsyncGenerator<T[], void, void> {
  if (!(typeof sliceMs === 'number' && sliceMs > 0))
    throw new ArgumentRangeError('sliceMs', sliceMs, 'milliseconds, more than 0');
  checkMethod('clock', clock, 'now');
  checkSignal(signal);
  signal?.throwIfAborted();
  let slice: T[] = [];
  let end = clock.now() + sliceMs;
  for (const step of steps) {
    slice.push(step);
    if (clock.now() < end) continue;
    yield slice;
    slice = [];
    await turnLoop();
    signal?.throwIfAborted();
    end = clock.now() + sliceMs;
  }
  yield slice;
}
