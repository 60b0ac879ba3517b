// Waiting for a shared word to change without blocking: the event loop goes on, and stays alive.
import { checkTimeout } from './deadline.ts';

export interface WaitAsyncOptions {
  /** Milliseconds; for ever by default. */
  readonly timeoutMs?: number;
  /** Ends the wait: it rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
}

/**
 * Waits until somebody notifies the word, unless it no longer holds `expected`, for a time at most. Tells nothing: look again.
 * @returns rejects with `signal.reason` where it is aborted. The entry then stays in the word's queue until it is notified.
 */
export function waitForWord(
  words: Int32Array,
  word: number,
  expected: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  checkTimeout(timeoutMs);
  if (signal?.aborted) return Promise.reject(signal.reason as Error);
  const wait = Atomics.waitAsync(words, word, expected, timeoutMs);
  if (!wait.async) return Promise.resolve();
  const keepAlive = setInterval(() => {}, 0x7fffffff); // a pending waitAsync alone does not
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearInterval(keepAlive);
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const onSettled = (): void => {
      clearInterval(keepAlive);
      signal?.removeEventListener('abort', onAbort);
      resolve();
    };
    void wait.value.then(onSettled);
  });
}
