/**
 * Milliseconds of the machine's monotonic clock, with a fraction. Every process on this machine reads the same clock, so that a time
 * stamped by the upstream can be compared with one stamped by a gateway thread; `performance.now()` starts anew in each of them.
 */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
