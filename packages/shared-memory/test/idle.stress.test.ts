import { expect, test } from 'vitest';
import { Arena, Parker, type IdleStatistics } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';

// `adaptive` parks without a time-out: a lost wake-up shows as a test that times out.
test.each(['spinning', 'yielding', 'backoff', 'adaptive'])(
  'a thread that is idle by %s gets all work of another one',
  async (kind) => {
    const parker = Parker.create(Arena.create({ bytes: 65536 })).handle;
    const words = new Int32Array(new SharedArrayBuffer(8));
    const station = { parker, words, kind, times: 64 * 300 };
    await using crew = new Crew(new URL('./worker/idle-worker.ts', import.meta.url), [
      { ...station, role: 'take' },
      { ...station, role: 'make' },
    ]);
    await crew.go();
    const [statistics] = await crew.reports<IdleStatistics>();
    expect(Atomics.load(words, 1)).toBe(64 * 300);
    const { hits, misses, yields, parks, preemptions } = statistics!;
    expect(hits + misses + yields + parks + preemptions).toBeGreaterThan(0);
  },
  60_000,
);
