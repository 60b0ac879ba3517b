// What is done to an endpoint by hand: opening, isolating, closing; taking it down and back up again.
import { Arena, ArgumentRangeError, CoarseClock } from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  AdmissionError,
  EndpointError,
  PolicyConflictError,
  Recorded,
  RefusedError,
  Refusal,
  SnapshotError,
  StateMachine,
  type EndpointOptions,
  type MachineSnapshot,
} from '../src/index.ts';
import { implementation } from './implementation.ts';

function setup(options: EndpointOptions = {}): {
  arena: Arena;
  machine: StateMachine;
  a: number;
  clock: CoarseClock;
} {
  const arena = Arena.create({ bytes: 1 << 18 });
  const clock = CoarseClock.create(arena);
  const machine = StateMachine.create(arena, { endpoints: 8, clock, implementation: implementation() });
  return { arena, machine, clock, a: machine.endpoint('a', options) };
}

const throughJson = (snapshot: MachineSnapshot): MachineSnapshot =>
  JSON.parse(JSON.stringify(snapshot)) as MachineSnapshot;

describe('by hand', () => {
  test('open opens once, becomes half open in its time, and is not counted as a trip', () => {
    const { machine, a } = setup({ resetTimeout: 100 });
    expect([machine.open(a, 0), machine.open(a, 0)]).toEqual([true, false]);
    expect(machine.tryAcquire(a, 99)).toBe(Refusal.Open);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', trips: 0, forced: 1, isolated: false });
    expect(machine.tryAcquire(a, 100)).toBeGreaterThan(0);
  });

  test('isolate holds whatever the time, until close', async () => {
    const { machine, a } = setup({ resetTimeout: 100 });
    const early = machine.tryAcquire(a);
    expect([machine.isolate(a), machine.isolate(a), machine.open(a)]).toEqual([true, false, false]);
    expect(machine.tryAcquire(a, 10_000)).toBe(Refusal.Isolated);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', isolated: true, retryAfterMs: null });
    await expect(machine.execute(a, () => 1)).rejects.toThrow(RefusedError);
    await expect(machine.execute(a, () => 1)).rejects.toMatchObject({ code: 'ERR_REFUSED_ISOLATED' });
    expect([machine.close(a), machine.close(a)]).toEqual([true, false]);
    expect(machine.tryAcquire(a)).toBeGreaterThanOrEqual(0);
    expect(machine.recordDelivery(a, true, early)).toBe(Recorded.Stale);
  });

  test('close ends an open breaker with counts of 0, and old failures do not count', () => {
    const { machine, a } = setup({ failureThreshold: 3 });
    for (let i = 0; i < 3; i++) machine.recordDelivery(a, false);
    expect(machine.close(a)).toBe(true);
    expect(machine.snapshot(a)).toMatchObject({ state: 'closed', failures: 0, failureAgesMs: [] });
    expect([machine.recordDelivery(a, false), machine.recordDelivery(a, false)]).toEqual([0, 0]);
  });

  test('an admission is current until the breaker opens', () => {
    const { machine, a } = setup();
    const admission = machine.tryAcquire(a);
    expect(machine.isCurrent(a, admission)).toBe(true);
    machine.open(a);
    expect(machine.isCurrent(a, admission)).toBe(false);
    machine.close(a);
    expect(machine.isCurrent(a, admission)).toBe(false);
    for (const wrong of [-1, 0.5, 2 ** 31]) expect(() => machine.isCurrent(a, wrong)).toThrow(AdmissionError);
  });

  test('an endpoint that is none, or a time that is none, is a typed error', () => {
    const { machine, a } = setup();
    for (const call of [
      () => machine.open(7),
      () => machine.isolate(7),
      () => machine.close(7),
      () => machine.isCurrent(7, 0),
      () => machine.recordCompression(7, 1),
      () => machine.recordBomb(7, 1),
      () => machine.snapshot(7),
    ])
      expect(call).toThrow(EndpointError);
    expect(() => machine.open(a, Number.NaN)).toThrow(ArgumentRangeError);
    expect(() => machine.recordBomb(a, -1)).toThrow(ArgumentRangeError);
    expect(() => machine.recordBomb(a, Infinity)).toThrow(ArgumentRangeError);
    expect(machine.snapshot(a)).toMatchObject({ state: 'closed', compressionDetected: 0 });
  });
});

test('compression is in the word: its flag, and the ratio rounded up and at most 255', () => {
  const { machine, a } = setup();
  machine.recordCompression(a, 3.2);
  expect(machine.snapshot(a)).toMatchObject({ compressionRatio: 4, flags: 16, compressionDetected: 1 });
  machine.recordBomb(a, 1032);
  expect(machine.snapshot(a)).toMatchObject({
    compressionRatio: 255,
    compressionDetected: 2,
    bombsRefused: 1,
  });
});

test('metrics count transitions, and what happened to all endpoints', () => {
  const { machine, a } = setup({ failureThreshold: 1 });
  const b = machine.endpoint('b');
  for (let i = 0; i < 2000; i++) machine.recordDelivery(b, true);
  machine.recordDelivery(a, false);
  machine.isolate(b);
  machine.recordBomb(b, 100);
  expect(machine.metrics()).toEqual({
    endpoints: 2,
    casAttempts: 2004,
    casSuccesses: 2004,
    trips: 1,
    reopens: 0,
    forced: 1,
    compressionDetected: 1,
    bombsRefused: 1,
  });
});

describe('a snapshot of the machine', () => {
  const options: EndpointOptions = {
    failureThreshold: 3,
    failureWindowMs: 1000,
    errorThresholdPercentage: 60,
    volumeThreshold: 50,
    rollingCountTimeout: 1000,
    resetTimeout: 500,
    burst: 10,
    refillPerSecond: 0.001,
    capacity: 4,
  };

  test('is plain data, and another machine goes on from it', () => {
    const { machine, a } = setup(options);
    const admit = (): number => machine.tryAcquire(a, 0);
    for (const ok of [true, true, false, false]) machine.recordDelivery(a, ok, admit(), 0, 0);
    machine.recordCompression(a, 9);
    const snapshot = throughJson(machine.snapshot());
    expect(snapshot).toEqual(machine.snapshot());

    const { machine: next } = setup(options);
    next.restore(snapshot);
    const restored = next.snapshot(0);
    expect(restored).toMatchObject({
      state: 'closed',
      successes: 2,
      failures: 2,
      tokens: 6,
      compressionRatio: 9,
      failureAgesMs: [0, 0],
      inFlight: 0,
    });
    expect(restored.buckets).toMatchObject([{ calls: 4, failures: 2, slow: 0 }]);
    // Two failures were there: this is the third.
    expect(next.recordDelivery(0, false, next.tryAcquire(0))).toBe(Recorded.Tripped);
  });

  test('defines what is not there yet, with its options', () => {
    const { machine } = setup(options);
    const arena = Arena.create({ bytes: 1 << 18 });
    const empty = StateMachine.create(arena, {
      endpoints: 8,
      clock: CoarseClock.create(arena),
      implementation: implementation(),
    });
    empty.restore(throughJson(machine.snapshot()));
    expect(empty.snapshot(empty.endpoint('a', options)).options).toEqual(machine.snapshot(0).options);
  });

  test('keeps what is left of an open breaker, less the time that has passed', () => {
    const { machine, a } = setup({ resetTimeout: 500 });
    machine.open(a, machine.clock.now());
    const snapshot = throughJson(machine.snapshot());
    const { machine: next } = setup({ resetTimeout: 500 });
    next.restore(snapshot, { elapsedMs: 200 });
    const nowMs = next.clock.now();
    expect(next.retryAfterMs(0, nowMs)).toBe(300);
    expect(next.tryAcquire(0, nowMs + 299)).toBe(Refusal.Open);
    expect(next.tryAcquire(0, nowMs + 300)).toBeGreaterThan(0);
    next.restore(snapshot, { elapsedMs: 10_000 });
    expect(next.tryAcquire(0, nowMs)).toBeGreaterThan(0);
  });

  test('forgets failures that are older than the window by then', () => {
    const { machine, a } = setup({ failureThreshold: 2, failureWindowMs: 1000 });
    machine.recordDelivery(a, false);
    const { machine: next } = setup({ failureThreshold: 2, failureWindowMs: 1000 });
    next.restore(machine.snapshot(), { elapsedMs: 1001 });
    expect(next.recordDelivery(0, false)).toBe(Recorded.Counted);
    next.restore(machine.snapshot(), { elapsedMs: 1000 });
    expect(next.recordDelivery(0, false)).toBe(Recorded.Tripped);
  });

  test.each(['isolate', 'half-open'])('restores %s', (what) => {
    const { machine, a } = setup({ resetTimeout: 10 });
    if (what === 'isolate') machine.isolate(a);
    else {
      machine.open(a, 0);
      machine.tryAcquire(a, 10);
    }
    const { machine: next } = setup({ resetTimeout: 10 });
    next.restore(throughJson(machine.snapshot()));
    if (what === 'isolate') expect(next.tryAcquire(0)).toBe(Refusal.Isolated);
    else expect(next.snapshot(0)).toMatchObject({ state: 'open', retryAfterMs: 0 });
  });

  test('keeps results of before the clock of the next process began', () => {
    const rolling = { errorThresholdPercentage: 50, volumeThreshold: 5, failureThreshold: 6 };
    const { machine, a, clock, arena } = setup(rolling);
    for (let i = 0; i < 4; i++) machine.recordDelivery(a, false, undefined, 0, 20_000 + i);
    Atomics.store(arena.i32, clock.addressOfNow >> 2, 23_500);
    const before = machine.snapshot(a);
    expect(before.buckets).toEqual([{ ageMs: 3500, calls: 4, failures: 4, slow: 0 }]);
    const { machine: next } = setup(rolling);
    next.restore(throughJson(machine.snapshot()));
    expect(next.snapshot(0)).toMatchObject({
      buckets: [{ ageMs: 4000, calls: 4, failures: 4, slow: 0 }],
      failureAgesMs: before.failureAgesMs,
    });
    expect(next.recordDelivery(0, false)).toBe(Recorded.Tripped);
  });

  test('has its tokens, and those of the time that has passed since it was taken', () => {
    const { machine, a, clock, arena } = setup({ burst: 10, refillPerSecond: 1 });
    for (let i = 0; i < 10; i++) machine.tryAcquire(a, 0);
    const snapshot = machine.snapshot();
    // Nobody asks for a minute: what fell due in it is not of the snapshot.
    Atomics.store(arena.i32, clock.addressOfNow >> 2, 60_000);
    machine.restore(snapshot);
    expect([0, 0, 999].map((afterMs) => machine.tryAcquire(a, 60_000 + afterMs))).toEqual(
      Array(3).fill(Refusal.Throttled),
    );
    expect(machine.tryAcquire(a, 61_000)).toBeGreaterThanOrEqual(0);
    const { machine: next } = setup({ burst: 10, refillPerSecond: 1 });
    next.restore(snapshot, { elapsedMs: 3500 });
    expect([0, 0, 0, 0].map(() => next.tryAcquire(0, 0) >= 0)).toEqual([true, true, true, false]);
    expect(next.tryAcquire(0, 500)).toBeGreaterThanOrEqual(0);
    next.restore(snapshot, { elapsedMs: Number.MAX_VALUE });
    next.tryAcquire(0, 0);
    expect(next.snapshot(0).tokens).toBe(9);
  });

  test('has seen no compressed payload where the endpoint had seen none', () => {
    const { machine, a } = setup();
    const snapshot = machine.snapshot();
    machine.recordCompression(a, 9);
    machine.restore(snapshot);
    expect(machine.snapshot(a)).toMatchObject({ compressionRatio: 0, flags: 1 << 5, compressionDetected: 1 });
  });

  test('makes calls that were out late', () => {
    const { machine, a } = setup();
    const admission = machine.tryAcquire(a);
    machine.restore(machine.snapshot(a));
    expect(machine.recordDelivery(a, false, admission)).toBe(Recorded.Stale);
    expect(machine.snapshot(a)).toMatchObject({ state: 'closed', failures: 0 });
  });

  const changed = (change: (endpoint: Record<string, unknown>) => void): unknown => {
    const snapshot = throughJson(setup(options).machine.snapshot()) as unknown as {
      endpoints: Record<string, unknown>[];
    };
    change(snapshot.endpoints[0]!);
    return snapshot;
  };

  test.each([
    ['null', null, 'snapshot is null, expected an object'],
    ['an array', [], 'expected an object'],
    [
      'another format',
      { format: 'x', version: 1, endpoints: [] },
      'format is "x", expected corelane/atomic-state',
    ],
    ['another version', { format: 'corelane/atomic-state', version: 2, endpoints: [] }, 'version is 2'],
    ['a name that is none', changed((e) => (e['name'] = 7)), 'endpoints[0].name is 7'],
    ['a state that is none', changed((e) => (e['state'] = 'ajar')), 'endpoints[0].state is "ajar"'],
    ['too many tokens', changed((e) => (e['tokens'] = 256)), 'endpoints[0].tokens is 256'],
    ['counts below 0', changed((e) => (e['failures'] = -1)), 'endpoints[0].failures is -1'],
    [
      'more failures than calls',
      changed((e) => (e['buckets'] = [{ ageMs: 0, calls: 1, failures: 2, slow: 0 }])),
      'endpoints[0].buckets[0].failures is 2, expected an integer from 0 to 1',
    ],
    ['ages that are none', changed((e) => (e['failureAgesMs'] = ['x'])), 'failureAgesMs[0] is "x"'],
  ])('that is %s is refused, and nothing is changed', (_, snapshot, message) => {
    const { machine, a } = setup(options);
    expect(() => machine.restore(snapshot as MachineSnapshot)).toThrow(SnapshotError);
    expect(() => machine.restore(snapshot as MachineSnapshot)).toThrow(message);
    expect(machine.snapshot(a)).toMatchObject({ version: 0, forced: 0 });
  });

  test('of an endpoint that is defined otherwise is refused, and no endpoint is changed', () => {
    const { machine } = setup(options);
    machine.endpoint('b', { failureThreshold: 1 });
    const { machine: next, a } = setup(options);
    next.endpoint('b', { failureThreshold: 2 });
    expect(() => next.restore(machine.snapshot())).toThrow(PolicyConflictError);
    expect(next.snapshot(a).version).toBe(0);
    expect(() => next.restore(machine.snapshot(), { elapsedMs: -1 })).toThrow(ArgumentRangeError);
  });
});
