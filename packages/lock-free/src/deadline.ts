// Time that is left of a wait, in the slices that a kernel can wait for: microseconds in an i32.
import { ArgumentRangeError } from '@corelane/shared-memory';

const MAX_SLICE_MS = 2_000_000;

/** `performance.now()` at which to give up; Infinity: never. @throws ArgumentRangeError */
export function deadlineAfter(timeoutMs: number): number {
  checkTimeout(timeoutMs);
  return timeoutMs === Infinity ? Infinity : performance.now() + timeoutMs;
}

/** @throws ArgumentRangeError */
export function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs >= 0)) throw new ArgumentRangeError('timeoutMs', timeoutMs, 'at least 0, or Infinity');
}

/** Microseconds to wait for, in one slice: -1 for ever. 0 or more may be less than what is left: look again. */
export function sliceUs(deadline: number): number {
  if (deadline === Infinity) return -1;
  const leftMs = Math.min(deadline - performance.now(), MAX_SLICE_MS);
  return leftMs > 0 ? Math.ceil(leftMs * 1000) : 0;
}
