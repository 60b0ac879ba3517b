// Several real workers allocate and free under a tag that each counts for itself.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { MemoryReader, MemoryTracker } from '../src/index.ts';
import { BLOCK, type OwnChurnData } from './worker/own-churn.ts';

const WORKERS = 2;

function start(tracker: MemoryTracker, go: Int32Array, rounds: number): Worker {
  return new Worker(new URL('./worker/own-churn.ts', import.meta.url), {
    workerData: { handle: tracker.handle, go, rounds } satisfies OwnChurnData,
    execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
  });
}

function create(): { tracker: MemoryTracker; go: Int32Array } {
  const tracker = MemoryTracker.create(Arena.create({ bytes: 1 << 18 }), { tags: 4, workers: WORKERS + 1 });
  tracker.tag('own', { scope: 'worker' });
  return { tracker, go: new Int32Array(new SharedArrayBuffer(8)) };
}

function release(go: Int32Array): void {
  Atomics.store(go, 0, 1);
  Atomics.notify(go, 0);
}

test('sums are exact, and peaks lie between their bounds, while others read and reset', async () => {
  const { tracker, go } = create();
  const rounds = 300_000;
  const workers = Array.from({ length: WORKERS }, () => start(tracker, go, rounds));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const exits = Promise.all(workers.map((worker) => once(worker, 'exit'))).then(() => true);
  const reader = MemoryReader.attach(tracker.handle);
  release(go);
  let reads = 0;
  while (!(await Promise.race([exits, Promise.resolve(false)]))) {
    const own = reader.read().tags[0]!;
    // No worker ever holds more than two blocks and what it keeps: what is read is never a mixture.
    for (const each of own.byWorker) {
      expect(each.netBytes).toBeGreaterThanOrEqual(0);
      expect(each.netBytes).toBeLessThanOrEqual(2 * BLOCK + rounds);
      expect(each.peakBytes).toBeLessThanOrEqual(2 * BLOCK + rounds);
      expect(each.peakBytes).toBeGreaterThanOrEqual(each.netBytes);
    }
    expect(own.peakBytesAtLeast).toBeLessThanOrEqual(own.peakBytesAtMost);
    if (++reads % 5 === 0) tracker.resetPeaks();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(tracker.read().tags).toMatchObject([
    {
      currentBytes: WORKERS * rounds,
      allocatedBytes: WORKERS * rounds * (2 * BLOCK + 1),
      live: WORKERS * rounds,
      byWorker: Array.from({ length: WORKERS }, () => ({ netBytes: rounds, allocations: 3 * rounds })),
    },
  ]);
});

test('a thread that is terminated leaves what it held, and its successor can free it', async () => {
  const { tracker, go } = create();
  const worker = start(tracker, go, Infinity);
  const deadThreadId = worker.threadId;
  const [index] = (await once(worker, 'message')) as [number];
  release(go);
  while (Atomics.load(go, 1) < 500) await new Promise((resolve) => setImmediate(resolve));
  await worker.terminate();
  const kept = Atomics.load(go, 1);
  // It may have died anywhere in a round, and in the middle of a record.
  const possible = [0, 1, BLOCK, 2 * BLOCK, BLOCK + 1, 2 * BLOCK + 1].map((more) => kept + more);
  expect(possible).toContain(tracker.currentBytes('own'));
  expect(tracker.reclaimThread(deadThreadId)).toBe(1);
  const left = tracker.currentBytes('own');
  expect(possible).toContain(left);
  const successor = MemoryTracker.attach(tracker.handle);
  expect(successor.worker).toBe(index);
  successor.tag('own').dealloc(left);
  expect(() => successor.tag('own').dealloc(1)).toThrow('of 0 bytes held by this worker');
  expect(tracker.currentBytes('own')).toBe(0);
});
