// Percentages, slow calls and calls in flight: what opens an endpoint, or refuses, beside a number of failures.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Arena, ArgumentRangeError, CoarseClock } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  AdmissionError,
  PolicyConflictError,
  PolicyError,
  Recorded,
  Refusal,
  StateMachine,
  type EndpointOptions,
} from '../src/index.ts';
import type { HolderInput } from './holder.worker.ts';
import { implementation } from './implementation.ts';

function setup(options: EndpointOptions): { machine: StateMachine; a: number } {
  const arena = Arena.create({ bytes: 1 << 18 });
  const machine = StateMachine.create(arena, {
    endpoints: 8,
    clock: CoarseClock.create(arena),
    implementation: implementation(),
  });
  return { machine, a: machine.endpoint('a', options) };
}

/** Outcomes of results, one a millisecond from `fromMs`: 'o' good, 'x' failed, 's' slow. */
function record(machine: StateMachine, endpoint: number, results: string, fromMs = 0): number[] {
  return results
    .split('')
    .map((kind, i) =>
      machine.recordDelivery(endpoint, kind !== 'x', undefined, kind === 's' ? 101 : 100, fromMs + i),
    );
}

const { Counted, Tripped } = Recorded;

describe('a percentage of failed calls', () => {
  test('opens where it is exceeded, and not where it is reached', () => {
    const { machine, a } = setup({ errorThresholdPercentage: 50 });
    expect(record(machine, a, 'oxoxox')).toEqual(Array(6).fill(Counted));
    expect(record(machine, a, 'x', 6)).toEqual([Tripped]);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', trips: 1 });
  });

  test('counts from a volume of calls on', () => {
    const { machine, a } = setup({ errorThresholdPercentage: 50, volumeThreshold: 5 });
    expect(record(machine, a, 'xxxx')).toEqual(Array(4).fill(Counted));
    expect(record(machine, a, 'x', 4)).toEqual([Tripped]);
  });

  test('is looked at after a bad result: a good one that reaches the volume opens nothing', () => {
    const { machine, a } = setup({ errorThresholdPercentage: 50, volumeThreshold: 4 });
    expect(record(machine, a, 'xxxo')).toEqual(Array(4).fill(Counted));
  });

  test('forgets what is older than its window', () => {
    const { machine, a } = setup({
      errorThresholdPercentage: 50,
      volumeThreshold: 4,
      rollingCountTimeout: 100,
    });
    record(machine, a, 'xxx');
    expect(record(machine, a, 'x', 100)).toEqual([Counted]);
  });

  test('alone does not open by a number of failures; with a number either opens', () => {
    const alone = setup({ errorThresholdPercentage: 50, volumeThreshold: 100 });
    expect(record(alone.machine, alone.a, 'xxxxxxxxxx')).toEqual(Array(10).fill(Counted));
    const both = setup({ errorThresholdPercentage: 50, volumeThreshold: 100, failureThreshold: 3 });
    expect(record(both.machine, both.a, 'xxx')).toEqual([Counted, Counted, Tripped]);
  });

  test('keeps its share over millions of calls', () => {
    const { machine, a } = setup({ errorThresholdPercentage: 40, rollingCountTimeout: 10_000 });
    for (let i = 0; i < 300_000; i++) machine.recordDelivery(a, i % 10 >= 4, undefined, 0, 5);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open' });
    const { machine: other, a: b } = setup({ errorThresholdPercentage: 45 });
    for (let i = 0; i < 300_000; i++) other.recordDelivery(b, i % 10 < 6, undefined, 0, 5);
    const [{ calls, failures } = { calls: 0, failures: 0 }] = other.snapshot(b).buckets;
    expect(calls).toBeGreaterThan(8000);
    expect(Math.abs(failures / calls - 0.4)).toBeLessThan(0.001);
  });
});

describe('a percentage of slow calls', () => {
  const options = { slowCallPercentage: 50, slowCallDurationMs: 100, volumeThreshold: 3 };

  test('opens though all succeed, and a call that takes as long as it may is not slow', () => {
    const { machine, a } = setup(options);
    expect(record(machine, a, 'oss')).toEqual([Counted, Counted, Tripped]);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', successes: 3, failures: 0 });
  });

  test('has slow probes fail', () => {
    const { machine, a } = setup({ ...options, resetTimeout: 10, halfOpenProbes: 1 });
    machine.open(a, 0);
    const probe = machine.tryAcquire(a, 10);
    expect(machine.recordDelivery(a, true, probe, 101, 11)).toBe(Recorded.Reopened);
  });

  test('takes the duration from execute', async () => {
    const { machine, a } = setup({ slowCallPercentage: 0, slowCallDurationMs: 5 });
    using _ticker = machine.clock.startTicker({ thread: 'own' });
    await machine.execute(a, async () => {
      const startMs = machine.clock.now();
      while (machine.clock.now() - startMs <= 6) await new Promise((resolve) => setImmediate(resolve));
    });
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', successes: 1 });
  });

  test.each([-1, Number.NaN])('refuses a duration of %d', (durationMs) => {
    const { machine, a } = setup(options);
    expect(() => machine.recordDelivery(a, true, 0, durationMs)).toThrow(ArgumentRangeError);
    expect(machine.snapshot(a).successes).toBe(0);
  });
});

describe('capacity', () => {
  test('limits calls in flight; each result makes room', () => {
    const { machine, a } = setup({ capacity: 2 });
    const [first, second] = [machine.tryAcquire(a), machine.tryAcquire(a)] as [number, number];
    expect(machine.tryAcquire(a)).toBe(Refusal.Busy);
    expect(machine.snapshot(a).inFlight).toBe(2);
    expect(machine.recordDelivery(a, true, second)).toBe(Counted);
    expect(machine.tryAcquire(a)).toBeGreaterThan(0);
    expect(machine.tryAcquire(a)).toBe(Refusal.Busy);
    expect(machine.recordDelivery(a, false, first)).toBe(Counted);
    expect(machine.snapshot(a)).toMatchObject({ inFlight: 1, successes: 1, failures: 1 });
  });

  test('takes a result once: the second is stale and frees nothing', () => {
    const { machine, a } = setup({ capacity: 1 });
    const first = machine.tryAcquire(a);
    machine.recordDelivery(a, true, first);
    const second = machine.tryAcquire(a);
    expect(machine.recordDelivery(a, true, first)).toBe(Recorded.Stale);
    expect(machine.snapshot(a)).toMatchObject({ inFlight: 1, successes: 1 });
    expect(machine.recordDelivery(a, true, second)).toBe(Counted);
  });

  test('needs the admission, and one of this endpoint', () => {
    const { machine, a } = setup({ capacity: 3 });
    const plain = machine.endpoint('plain');
    const admission = machine.tryAcquire(a);
    for (const wrong of [undefined, 0, 16, -1, 1 << 28, (1 << 27) | (1 << 5), (5 << 5) | 0, 0.5])
      expect(() => machine.recordDelivery(a, true, wrong)).toThrow(AdmissionError);
    expect(() => machine.recordDelivery(plain, true, admission)).toThrow(AdmissionError);
    expect(machine.snapshot(a)).toMatchObject({ inFlight: 1, successes: 0 });
  });

  test('is released where the breaker or the rate refuses', () => {
    const { machine, a } = setup({ capacity: 2, burst: 1, refillPerSecond: 0.001 });
    machine.tryAcquire(a);
    expect(machine.tryAcquire(a)).toBe(Refusal.Throttled);
    expect(machine.snapshot(a).inFlight).toBe(1);
    machine.open(a);
    expect(machine.tryAcquire(a)).toBe(Refusal.Open);
    expect(machine.snapshot(a).inFlight).toBe(1);
  });

  test('makes execute reject while others are in flight', async () => {
    const { machine, a } = setup({ capacity: 1 });
    const done = Promise.withResolvers<void>();
    const running = machine.execute(a, () => done.promise);
    await expect(machine.execute(a, () => 1)).rejects.toMatchObject({
      code: 'ERR_REFUSED_BUSY',
      retryAfterMs: null,
    });
    done.resolve();
    await running;
    await expect(machine.execute(a, () => 1)).resolves.toBe(1);
  });

  test('a permit of a thread that was killed comes back with reclaim', async () => {
    const { machine, a } = setup({ capacity: 3 });
    machine.tryAcquire(a);
    const worker = new Worker(new URL('./holder.worker.ts', import.meta.url), {
      workerData: { handle: machine.handle, endpoint: a, permits: 2 } satisfies HolderInput,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    const { threadId } = worker;
    await once(worker, 'message');
    expect(machine.tryAcquire(a)).toBe(Refusal.Busy);
    await worker.terminate();
    expect(machine.tryAcquire(a)).toBe(Refusal.Busy);
    expect(machine.reclaim(threadId)).toBe(2);
    expect(machine.reclaim(threadId)).toBe(0);
    expect(machine.snapshot(a).inFlight).toBe(1);
    for (const wrong of [-1, 0.5, 0]) expect(() => machine.reclaim(wrong)).toThrow(ArgumentRangeError);
  });
});

describe('options', () => {
  test.each([
    [{ volumeThreshold: 5 }, 'volumeThreshold is 5, expected errorThresholdPercentage or slowCallPercentage'],
    [{ rollingCountTimeout: 500 }, 'rollingCountTimeout is 500, expected errorThresholdPercentage'],
    [{ slowCallPercentage: 5 }, 'slowCallPercentage is 5, expected slowCallDurationMs beside it'],
    [{ slowCallDurationMs: 5 }, 'slowCallDurationMs is 5, expected slowCallPercentage beside it'],
    [{ errorThresholdPercentage: 5, failureWindowMs: 9 }, 'failureWindowMs is 9, expected failureThreshold'],
    [{ errorThresholdPercentage: 100 }, 'errorThresholdPercentage is 100, expected 0 to 99.99'],
    [{ errorThresholdPercentage: 5, rollingCountTimeout: 9 }, 'expected an integer from 10 to 86400000'],
    [{ capacity: 1001 }, 'capacity is 1001, expected an integer from 1 to 1000'],
    [{ capacity: 0 }, 'capacity is 0'],
    [{ burst: 5 }, 'burst is 5, expected refillPerSecond beside it'],
  ])('%j is refused: it would say nothing', (options, message) => {
    const arena = Arena.create({ bytes: 1 << 18 });
    const machine = StateMachine.create(arena, {
      endpoints: 8,
      clock: CoarseClock.create(arena),
      implementation: implementation(),
    });
    expect(() => machine.endpoint('a', options)).toThrow(PolicyError);
    expect(() => machine.endpoint('a', options)).toThrow(message);
    expect(machine.endpoints()).toEqual([]);
  });

  test('that differ between two definitions are told apart, off among them', () => {
    const { machine } = setup({ errorThresholdPercentage: 50, capacity: 5 });
    expect(() => machine.endpoint('a', { errorThresholdPercentage: 51 })).toThrow(PolicyConflictError);
    expect(() => machine.endpoint('a', { failureThreshold: 5 })).toThrow(
      'failureThreshold = off, here with 5',
    );
    expect(() => machine.endpoint('a', { capacity: 6 })).toThrow('capacity = 5, here with 6');
    expect(machine.endpoint('a', { errorThresholdPercentage: 50, capacity: 5 })).toBe(0);
  });
});
