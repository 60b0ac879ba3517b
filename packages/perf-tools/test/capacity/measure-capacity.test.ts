import { expect, test } from 'vitest';
import {
  CapacityRunError,
  measureCapacity,
  type CapacityRun,
  type MeasureCapacityOptions,
} from '../../src/capacity/index.ts';
import { relativeCapacity } from '../../src/capacity/scalability-law.ts';
import { ArgumentRangeError } from '../../src/errors.ts';

const throughput = (workers: number): number => 500 * relativeCapacity(workers, 0.04, 0.01);

test('each number runs once a round, one at a time, in an order of chance; the warm-up does not count', async () => {
  const runs: CapacityRun[] = [];
  let running = 0;
  let draw = 0;
  const found = await measureCapacity(
    async (run) => {
      expect(++running).toBe(1);
      runs.push(run);
      await Promise.resolve();
      running--;
      return run.round < 0 ? 1e9 : throughput(run.workers);
    },
    { workers: [1, 2, 4, 8], rounds: 3, random: () => (draw++ * 0.37) % 1 },
  );
  const rounds = Map.groupBy(runs, ({ round }) => round);
  expect([...rounds.keys()]).toEqual([-1, 0, 1, 2]);
  for (const round of rounds.values())
    expect(round.map(({ workers }) => workers).toSorted((a, b) => a - b)).toEqual([1, 2, 4, 8]);
  const orders = [...rounds.values()].map((round) => round.map(({ workers }) => workers).join());
  expect(new Set(orders).size).toBeGreaterThan(1);
  expect(found).toMatchObject({ kind: 'fit', peak: { kind: 'peak', bestWorkers: 10, isMeasured: false } });
  expect(found.samples).toHaveLength(12);
});

test('a run that gives no throughput, or throws, ends it and says which', async () => {
  for (const given of [0, -3, Number.NaN, undefined as unknown as number])
    await expect(measureCapacity(() => given, { workers: [1, 2, 4] })).rejects.toBeInstanceOf(
      CapacityRunError,
    );
  await expect(measureCapacity(() => 0, { workers: [3, 2, 4], random: () => 0.99 })).rejects.toThrow(
    'a run with 3 workers has given 0 as its throughput, expected a positive number',
  );
  await expect(
    measureCapacity(() => Promise.reject(new Error('no port')), { workers: [1, 2, 4] }),
  ).rejects.toThrow('no port');
});

test('aborting rejects with the reason, and runs see the signal', async () => {
  const abort = new AbortController();
  let runs = 0;
  const measuring = measureCapacity(
    ({ signal }) => {
      if (++runs === 2) abort.abort(new Error('enough'));
      expect(signal).toBe(abort.signal);
      return 1;
    },
    { workers: [1, 2, 4], signal: abort.signal },
  );
  await expect(measuring).rejects.toThrow('enough');
  expect(runs).toBe(2);
});

test.each([
  [{ workers: [1, 2] }, 'workers is an array of 2, expected an array of at least 3 different numbers'],
  [{ workers: [1, 2, 2] }, 'workers is an array of 3'],
  [{ workers: [1, 2, 0] }, 'workers[2] is 0'],
  [{ workers: [1, 2, 4], rounds: 0 }, 'rounds is 0'],
  [{ workers: [1, 2, 4], confidence: 2 }, 'confidence is 2'],
  [{ workers: [1, 2, 4], repeat: 2 }, 'option repeat of measureCapacity is "unknown"'],
  [undefined, 'options of measureCapacity is undefined, expected an object of workers, '],
])('options are looked at before anything runs: %j', async (options, message) => {
  let runs = 0;
  const measuring = measureCapacity(() => ++runs, options as MeasureCapacityOptions);
  await expect(measuring).rejects.toBeInstanceOf(ArgumentRangeError);
  await expect(measuring).rejects.toThrow(message);
  expect(runs).toBe(0);
});
