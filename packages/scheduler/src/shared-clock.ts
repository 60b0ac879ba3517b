// The monotonic clock of the machine, in milliseconds. `performance.now()` begins anew in each thread, and is what is cheap to read.

function hrtimeMs(): number {
  const [seconds, ns] = process.hrtime();
  return seconds * 1e3 + ns / 1e6;
}

/** How far `performance.now()` is behind; constant, so the smallest of some differences is the one that nothing came between. */
const AHEAD_MS: number = ((): number => {
  let least = Infinity;
  for (let i = 0; i < 4; i++) {
    const nowMs = performance.now();
    least = Math.min(least, hrtimeMs() - nowMs);
  }
  return least;
})();

/** What all threads agree on, but for a microsecond or less. @param nowMs of this thread, by `performance.now()` */
export function toSharedMs(nowMs: number): number {
  return nowMs + AHEAD_MS;
}

/** The same on all threads, but for a microsecond or less. */
export function sharedNowMs(): number {
  return performance.now() + AHEAD_MS;
}
