import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena, CoarseClock } from '@corelane/shared-memory';
import { expect, test } from 'vitest';
import { Recorded, StateMachine, type EndpointOptions, type EndpointSnapshot } from '../src/index.ts';
import { implementation } from './implementation.ts';
import type { StressInput, StressReport } from './stress.worker.ts';

const WORKERS = 3;

async function hammer(
  options: EndpointOptions,
  input: Pick<StressInput, 'attempts' | 'admissions' | 'failEvery'>,
): Promise<{ total: StressReport; snapshot: EndpointSnapshot; elapsedMs: number }> {
  const arena = Arena.create({ bytes: 1 << 18 });
  const clock = CoarseClock.create(arena);
  const machine = StateMachine.create(arena, { endpoints: 1, clock, implementation: implementation() });
  const endpoint = machine.endpoint('hot', options);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const workers = Array.from(
    { length: WORKERS },
    () =>
      new Worker(new URL('./stress.worker.ts', import.meta.url), {
        workerData: { ...input, handle: machine.handle, endpoint, gate } satisfies StressInput,
        execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
      }),
  );
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  using _ticker = clock.startTicker({ thread: 'own' });
  const startMs = clock.elapsedMs();
  const reports = workers.map(async (worker) => (await once(worker, 'message'))[0] as StressReport);
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
  const all = await Promise.all(reports);
  const elapsedMs = clock.elapsedMs() - startMs;
  const sum = (of: (r: StressReport) => number): number => all.reduce((n, r) => n + of(r), 0);
  return {
    elapsedMs,
    snapshot: machine.snapshot(endpoint),
    total: {
      admitted: sum((r) => r.admitted),
      probes: sum((r) => r.probes),
      successes: sum((r) => r.successes),
      failures: sum((r) => r.failures),
      recorded: Object.fromEntries(Object.values(Recorded).map((o) => [o, sum((r) => r.recorded[o] ?? 0)])),
    },
  };
}

test('threads that count results on one word lose none', async () => {
  const { total, snapshot } = await hammer({}, { attempts: 20_000, admissions: Infinity, failEvery: 0 });
  expect(total.admitted).toBe(WORKERS * 20_000);
  expect(total.recorded[Recorded.Counted]).toBe(WORKERS * 20_000);
  expect(snapshot.successes).toBe(WORKERS * 20_000);
  expect(snapshot.version).toBe((WORKERS * 20_000) % 256);
});

test('threads that share a bucket get what is in it and what comes in, and no more', async () => {
  const { total, snapshot, elapsedMs } = await hammer(
    { burst: 100, refillPerSecond: 20_000 },
    { attempts: 300_000, admissions: Infinity, failEvery: 0 },
  );
  expect(total.admitted).toBeGreaterThanOrEqual(100);
  expect(total.admitted + snapshot.tokens).toBeLessThanOrEqual(100 + Math.ceil(20 * (elapsedMs + 2)));
});

test('each opening is told to exactly one thread, and no era admits more probes than it may', async () => {
  const { total, snapshot } = await hammer(
    { failureThreshold: 3, failureWindowMs: 1000, resetTimeout: 1, halfOpenProbes: 2, closeRatio: 0.5 },
    { attempts: Infinity, admissions: 1000, failEvery: 3 },
  );
  expect(snapshot.trips).toBe(total.recorded[Recorded.Tripped]);
  expect(snapshot.trips).toBeGreaterThan(3);
  expect(snapshot.reopens).toBeGreaterThanOrEqual(total.recorded[Recorded.Reopened]!);
  expect(total.probes).toBeLessThanOrEqual(2 * (snapshot.trips + snapshot.reopens));
  expect(snapshot.era).toBe((snapshot.trips + snapshot.reopens) % 8);
  const closed = total.recorded[Recorded.Closed]!;
  expect(closed === snapshot.trips || closed === snapshot.trips - 1).toBe(true);
});
