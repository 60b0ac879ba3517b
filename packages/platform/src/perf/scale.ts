/**
 * What an event would have counted, had it been on a counter all the time. A processor with fewer counters than there are groups runs
 * them in turn, and the kernel tells for how long each ran.
 *
 * Numbers are doubles: exact up to 2^53 (a month of cycles of one processor at 3.5 GHz), and within one in 2^53 beyond.
 * @param count what was counted
 * @param enabledNs how long it should have been counting
 * @param runningNs how long it was
 * @returns NaN: it never ran, so nothing is known. An event that was never to count (`enabledNs` 0) counted what it did: 0.
 */
export function scaleCount(count: number, enabledNs: number, runningNs: number): number {
  if (!isScaled(enabledNs, runningNs)) return count;
  if (runningNs <= 0) return Number.NaN;
  return Math.round((count * enabledNs) / runningNs);
}

/** It was not on a counter all the time. */
export function isScaled(enabledNs: number, runningNs: number): boolean {
  return runningNs < enabledNs;
}
