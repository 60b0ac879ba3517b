// Ten thousand tasks of a hundred names in the slow lane. `npm run slow-lane` prints the same.
import { expect, test } from 'vitest';
import { runTenThousand, sharesOf } from './ten-thousand/run.ts';
import { TASKS } from './ten-thousand/tasks.ts';

const NEVER_MS = 1_000_000;

test(
  'each of ten thousand runs once, as weights say, and no more are taken than caps allow',
  { timeout: 60_000 },
  async () => {
    const outcome = await runTenThousand({ boostMs: NEVER_MS, lowFirstMs: undefined });
    expect(outcome).toMatchObject({
      refusals: ['SourceThrottledError', 'SlowLaneFullError'],
      byTimes: { 1: TASKS },
      wrong: 0,
      boosted: 0,
    });
    // While there are some of each priority: 2500 of the first one are taken with 6250.
    for (let from = 0; from < 6000; from += 1000)
      expect(sharesOf(outcome.order.slice(from, from + 1000))).toEqual({
        critical: 400,
        high: 300,
        normal: 200,
        low: 100,
      });
  },
);

test(
  'of ten thousand every second one is one that has waited too long, the longest',
  { timeout: 60_000 },
  async () => {
    const outcome = await runTenThousand({ boostMs: 1, lowFirstMs: 20 });
    expect(outcome).toMatchObject({ byTimes: { 1: TASKS }, wrong: 0 });
    // The weights go on in between: a tenth of that half is of low priority as well.
    expect(sharesOf(outcome.order.slice(0, 1000))).toEqual({
      critical: 200,
      high: 150,
      normal: 100,
      low: 550,
    });
    expect(outcome.boosted).toBeGreaterThan(4000);
  },
);
