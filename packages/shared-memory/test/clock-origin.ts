import type { CoarseClock } from '../src/index.ts';

/** process.hrtime() in ms when the clock was created, as this thread sees it: of many readings the one least disturbed. */
export function originMs(clock: CoarseClock): number {
  let best = 0;
  let spread = Infinity;
  for (let i = 0; i < 1000; i++) {
    const before = Number(process.hrtime.bigint()) / 1e6;
    const elapsedMs = clock.elapsedMs();
    const after = Number(process.hrtime.bigint()) / 1e6;
    if (after - before >= spread) continue;
    spread = after - before;
    best = (before + after) / 2 - elapsedMs;
  }
  return best;
}
