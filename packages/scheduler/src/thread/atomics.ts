// The atomics seam of kernels for a word of JavaScript: same names. In the model suite it is the twin of tools/interleave, so that what runs there is `token.ts` itself.

/** One word of shared memory, as a view of its own. */
export type Word = Int32Array;

/** @returns the value before */
export function sub(at: Word, value: number): number {
  return Atomics.sub(at, 0, value);
}

/** @returns the value before */
export function exchange(at: Word, value: number): number {
  return Atomics.exchange(at, 0, value);
}

/** Stores `desired` where the word holds `expected`. @returns the value before */
export function compareExchange(at: Word, expected: number, desired: number): number {
  return Atomics.compareExchange(at, 0, expected, desired);
}

const OUTCOMES = { ok: 0, 'not-equal': 1, 'timed-out': 2 } as const;

/**
 * Waits while the word holds `expected`.
 * @param timeoutUs negative: for ever
 * @returns 0 woken, 1 the word held something else, 2 timed out
 */
export function wait(at: Word, expected: number, timeoutUs: number): number {
  return OUTCOMES[Atomics.wait(at, 0, expected, timeoutUs < 0 ? Infinity : timeoutUs / 1e3)];
}

/** Wakes those that wait on the word. */
export function notify(at: Word, count: number): number {
  return Atomics.notify(at, 0, count < 0 ? Infinity : count);
}
