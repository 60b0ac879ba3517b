import { expect, test } from 'vitest';
import { Arena, Parker } from '../src/index.ts';
import { Crew } from '../../../tools/testing/crew.ts';

const WORKER = new URL('./worker/parker-worker.ts', import.meta.url);

function station(times: number): { parker: Parker; words: Int32Array; each: object } {
  const arena = Arena.create({ bytes: 1 << 16 });
  const parker = Parker.create(arena);
  const words = new Int32Array(new SharedArrayBuffer(8));
  return {
    parker,
    words,
    each: { parker: parker.handle, answer: Parker.create(arena).handle, words, times },
  };
}

// A lost wake-up shows as a test that times out: nobody parks with a time-out here.

test('two threads hand 20,000 turns back and forth, parking for each', async () => {
  const { each } = station(20_000);
  await using crew = new Crew(WORKER, [
    { ...each, role: 'ping' },
    { ...each, role: 'pong' },
  ]);
  await crew.go();
  expect(await crew.reports()).toEqual([20_000, 20_000]);
}, 60_000);

test.each([
  { takers: ['take', 'take'], posters: 2 },
  { takers: ['take', 'takeAsync'], posters: 2 },
  { takers: ['takeAsync', 'takeAsync', 'take', 'take'], posters: 4 },
])(
  '$takers get every permit of $posters posters',
  async ({ takers, posters }) => {
    const times = 40_000;
    const { parker, words, each } = station(times);
    const roles = [...takers, ...Array.from({ length: posters }, () => 'post')];
    await using crew = new Crew(
      WORKER,
      roles.map((role) => ({ ...each, role })),
    );
    await crew.go();
    await crew.reports();
    expect(Atomics.load(words, 0)).toBe(0);
    expect(parker.waiters).toBe(0);
  },
  8_000,
);

test('a waiter that aborts all the time costs the others no wake-up', async () => {
  const times = 40_000;
  const { parker, words, each } = station(times);
  await using crew = new Crew(
    WORKER,
    ['take', 'post', 'abort'].map((role) => ({ ...each, role })),
  );
  await crew.go();
  const [, , aborted] = await crew.reports<number>();
  expect(aborted).toBeGreaterThan(0);
  expect(Atomics.load(words, 0)).toBe(0);
  expect(parker.waiters).toBe(0);
}, 60_000);
