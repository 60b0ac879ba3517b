// What comes from outside: options, durations, snapshots, times of clocks that have wrapped. Typed errors, and nothing half done.
import { Arena, ArgumentRangeError, CoarseClock, NameTable } from '@corelane/shared-memory';
import { mutexWords } from '@corelane/lock-free';
import { describe, expect, test } from 'vitest';
import {
  AdmissionError,
  PolicyError,
  Recorded,
  Refusal,
  SnapshotError,
  StateMachine,
  type EndpointOptions,
  type StateMachineOptions,
} from '../src/index.ts';
import { machineRoot, standardCell } from '../src/layout.ts';
import { implementation } from './implementation.ts';

interface Setup {
  readonly arena: Arena;
  readonly machine: StateMachine;
  readonly setClock: (ms: number) => void;
}

function setup(options: Partial<StateMachineOptions> = {}): Setup {
  const arena = Arena.create({ bytes: 1 << 18 });
  const clock = CoarseClock.create(arena);
  const machine = StateMachine.create(arena, {
    endpoints: 8,
    clock,
    implementation: implementation(),
    ...options,
  });
  const setClock = (ms: number): void => void Atomics.store(arena.i32, clock.addressOfNow >> 2, ms | 0);
  return { arena, machine, setClock };
}

describe('defaults', () => {
  test('with a capacity give each endpoint permits of its own', () => {
    const { machine } = setup({ defaults: { capacity: 1 } });
    const [a, b] = [machine.endpoint('a'), machine.endpoint('b')];
    const admission = machine.tryAcquire(a);
    expect(machine.tryAcquire(a)).toBe(Refusal.Busy);
    expect(machine.tryAcquire(b)).toBeGreaterThanOrEqual(0);
    expect([machine.snapshot(a).inFlight, machine.snapshot(b).inFlight]).toEqual([1, 1]);
    expect(() => machine.recordDelivery(b, true, admission)).not.toThrow();
    expect(machine.snapshot(a).inFlight).toBe(1);
  });

  test('that are restored take no more memory than they did', () => {
    const { machine } = setup({ defaults: { failureThreshold: 7 } });
    for (const name of 'abcdefgh') machine.endpoint(name);
    const next = setup({ defaults: { failureThreshold: 7 } });
    const before = next.arena.usedBytes;
    next.machine.restore(machine.snapshot());
    expect(next.machine.endpoints()).toHaveLength(8);
    expect(next.arena.usedBytes).toBe(before);
  });
});

describe('options', () => {
  test.each(['toString', 'constructor', 'hasOwnProperty', '__proto__', 'valueOf'])(
    'that are named as what every object has are refused: %s',
    (name) => {
      const { machine } = setup();
      const options = JSON.parse(`{ ${JSON.stringify(name)}: 1 }`) as EndpointOptions;
      expect(() => machine.endpoint('a', options)).toThrow(PolicyError);
      machine.endpoint('b');
      expect(() => machine.restore({ ...machine.snapshot(0), options })).toThrow(PolicyError);
    },
  );

  test.each([null, [], 'abc', 7])('that are no object are refused: %j', (options) => {
    expect(() => setup().machine.endpoint('a', options as EndpointOptions)).toThrow(PolicyError);
  });

  test('and snapshots with values that have no string are refused with typed errors', () => {
    const { machine } = setup();
    const hostile = JSON.parse('{ "toString": 1 }') as number;
    expect(() => machine.endpoint('a', { burst: hostile })).toThrow(PolicyError);
    const a = machine.endpoint('a');
    expect(() => machine.restore({ ...machine.snapshot(a), tokens: hostile })).toThrow(SnapshotError);
    const long = 'x'.repeat(1 << 20) as 'open';
    let message = '';
    try {
      machine.restore({ ...machine.snapshot(a), state: long });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('expected one of');
    expect(message.length).toBeLessThan(400);
  });
});

describe('a duration', () => {
  const options = { slowCallPercentage: 50, slowCallDurationMs: 100 };

  test.each([100.001, 101, 2 ** 31, 2 ** 32, 2 ** 53, Infinity])('of %d ms is slow above 100', (duration) => {
    const { machine } = setup();
    const a = machine.endpoint('a', options);
    expect(machine.recordDelivery(a, true, undefined, duration, 0)).toBe(Recorded.Tripped);
  });

  test.each([0, 0.5, 99.999, 100])('of %d ms is not', (duration) => {
    const { machine } = setup();
    const a = machine.endpoint('a', options);
    expect(machine.recordDelivery(a, true, undefined, duration, 0)).toBe(Recorded.Counted);
  });

  test.each([-1, Number.NaN, '5', null, 5n, {}])('that is none is refused: %s', (duration) => {
    const { machine } = setup();
    const a = machine.endpoint('a', options);
    const record = (): unknown => machine.recordDelivery(a, false, undefined, duration as number);
    expect(record).toThrow(ArgumentRangeError);
    expect(machine.snapshot(a).version).toBe(0);
  });
});

describe('a snapshot from a stranger', () => {
  const options = {
    failureThreshold: 2,
    failureWindowMs: 1000,
    errorThresholdPercentage: 50,
    volumeThreshold: 100,
    resetTimeout: 500,
  };
  const nowMs = 50_000;

  function restored(change: Record<string, unknown>): StateMachine {
    const { machine, setClock } = setup();
    setClock(nowMs);
    const a = machine.endpoint('a', options);
    machine.restore({ ...machine.snapshot(a), ...change });
    return machine;
  }

  test('with more failures than the window holds leaves the last ones', () => {
    const machine = restored({ failureAgesMs: [900, 800, 30, 20] });
    expect(machine.snapshot(0).failureAgesMs).toEqual([30, 20]);
  });

  test('with results of before the window leaves those out, and what is in their place', () => {
    const bucket = { calls: 1, failures: 0, slow: 0 };
    const machine = restored({
      buckets: [
        { ...bucket, ageMs: 500 },
        { ...bucket, ageMs: 10_500, calls: 99 },
      ],
    });
    expect(machine.snapshot(0).buckets).toMatchObject([{ calls: 1 }]);
  });

  test('keeps no breaker open for longer than its own resetTimeout', () => {
    const machine = restored({ state: 'open', retryAfterMs: 86_400_000 });
    expect(machine.retryAfterMs(0)).toBe(500);
  });

  test('that has a name twice is refused', () => {
    const { machine } = setup();
    const one = machine.snapshot(machine.endpoint('a'));
    const twice = { ...machine.snapshot(), endpoints: [one, one] };
    expect(() => machine.restore(twice)).toThrow(SnapshotError);
    expect(machine.snapshot(0).version).toBe(0);
  });
});

test.each([
  [0.55, 20, 11],
  [0.07, 100, 7],
  [0.0001, 3, 1],
])('closeRatio %d of %d probes is %d of them', (closeRatio, halfOpenProbes, needed) => {
  const { machine } = setup();
  const a = machine.endpoint('a', { closeRatio, halfOpenProbes, resetTimeout: 1 });
  machine.open(a, 0);
  const outcomes = Array.from({ length: needed }, () =>
    machine.recordDelivery(a, true, machine.tryAcquire(a, 1), 0, 1),
  );
  expect(outcomes.indexOf(Recorded.Closed)).toBe(needed - 1);
});

test('what is reported is of this era, and to the millisecond', () => {
  const { machine, setClock } = setup();
  const a = machine.endpoint('a', { burst: 2, refillPerSecond: 0.7, resetTimeout: 10 });
  machine.open(a, 0);
  machine.tryAcquire(a, 10);
  expect(machine.snapshot(a)).toMatchObject({ state: 'half-open', probesAdmitted: 1 });
  machine.open(a, 10);
  expect(machine.snapshot(a)).toMatchObject({ state: 'open', probesAdmitted: 0 });
  machine.close(a);
  // A token falls due each 1428.6 ms: what was left over of one shortens the wait for the next.
  for (const askedMs of [11, 11, 1440]) machine.tryAcquire(a, askedMs);
  setClock(1440);
  const afterMs = machine.retryAfterMs(a) as number;
  expect(machine.tryAcquire(a, 1440 + afterMs - 1)).toBe(Refusal.Throttled);
  expect(machine.tryAcquire(a, 1440 + afterMs)).toBeGreaterThanOrEqual(0);
});

test('an admission that no endpoint gives is not current, but an error', () => {
  const { machine } = setup();
  const a = machine.endpoint('a');
  expect(() => machine.isCurrent(a, 16)).toThrow(AdmissionError);
});

// Of the ring's 29 bits nothing is promised where they come round, after 6.2 days.
test.each([3.2, 6, 28, 40])('a failure of %d days ago is in no snapshot', (days) => {
  const { machine, setClock } = setup();
  const a = machine.endpoint('a', { failureThreshold: 2 });
  machine.recordDelivery(a, false, undefined, 0, 0);
  setClock(days * 86_400_000);
  expect(machine.snapshot(a).failureAgesMs).toEqual([]);
});

test('a thread that died while it defined an endpoint is reclaimed like any other', () => {
  const { arena, machine } = setup();
  const dead = 77;
  if (implementation() === 'standard') {
    // Its name is there, its mutex taken, nothing published.
    const read = (word: number): number => arena.i32[(machine.handle.at >> 2) + word] as number;
    const names = arena.objectHandle('shared-memory/name-table', read(machineRoot.word.names));
    const index = NameTable.attach(names, arena).intern('b');
    const cell = read(machineRoot.word.cells) + standardCell.bytes * index;
    const mutex = (cell + standardCell.offset.mutex + mutexWords.offset.state) >> 2;
    Atomics.store(arena.i32, mutex, dead + 1);
    expect(machine.reclaim(dead)).toBe(0);
    // Otherwise whoever defines it would wait for ever.
    expect(Atomics.load(arena.i32, mutex)).not.toBe(dead + 1);
  }
  expect(machine.tryAcquire(machine.endpoint('b'))).toBeGreaterThanOrEqual(0);
});
