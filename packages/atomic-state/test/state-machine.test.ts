import {
  Arena,
  ArgumentRangeError,
  AttachError,
  CoarseClock,
  NameTable,
  type ObjectHandle,
} from '@corelane/shared-memory';
import { describe, expect, test } from 'vitest';
import {
  acquireOutcomeName,
  AdmissionError,
  EndpointError,
  EndpointsExhaustedError,
  isAdmitted,
  isProbe,
  PolicyConflictError,
  PolicyError,
  Recorded,
  recordOutcomeName,
  RefusedError,
  Refusal,
  StateMachine,
  stateOf,
  type EndpointOptions,
  type StateMachineHandle,
} from '../src/index.ts';
import { cell, machineRoot } from '../src/layout.ts';
import { implementation } from './implementation.ts';

function setup(
  defaults: EndpointOptions = {},
  endpoints = 8,
): { arena: Arena; machine: StateMachine; clock: CoarseClock } {
  const arena = Arena.create({ bytes: 1 << 18 });
  const clock = CoarseClock.create(arena);
  return {
    arena,
    clock,
    machine: StateMachine.create(arena, { endpoints, clock, defaults, implementation: implementation() }),
  };
}

/** Opens the breaker of a fresh endpoint at `nowMs`. */
function trip(machine: StateMachine, endpoint: number, nowMs: number, failures = 5): void {
  for (let i = 0; i < failures; i++) machine.recordDelivery(endpoint, false, undefined, 0, nowMs);
}

describe('the word', () => {
  test('a new one is 0x0000000064000000: closed, with 100 tokens', () => {
    const { machine } = setup();
    expect(machine.snapshot(machine.endpoint('a'))).toMatchObject({
      word: '0x0000000064000000',
      state: 'closed',
      tokens: 100,
      failures: 0,
      successes: 0,
      version: 0,
    });
  });

  test('decodes Open before HalfOpen before Throttled before Closed', () => {
    expect([1 | 2 | 4, 2 | 4, 4, 8 | 16, 0].map(stateOf)).toEqual([
      'open',
      'half-open',
      'throttled',
      'closed',
      'closed',
    ]);
  });

  test('counts stay at 65535 and the version wraps at 256', () => {
    const { machine } = setup();
    const endpoint = machine.endpoint('a');
    for (let i = 0; i < 65_540; i++) machine.recordDelivery(endpoint, true);
    expect(machine.snapshot(endpoint)).toMatchObject({
      successes: 65_535,
      version: 65_540 % 256,
      state: 'closed',
    });
  });

  test('endpoints never share a 128-byte line', () => {
    expect(cell.bytes % 128).toBe(0);
    expect(cell.alignBytes).toBe(128);
  });
});

describe('endpoints', () => {
  test('have the same index on every attached machine, however they are defined first', () => {
    const { machine } = setup();
    const other = StateMachine.attach(structuredClone(machine.handle));
    expect(machine.endpoint('a')).toBe(0);
    expect(other.endpoint('b', { burst: 3, refillPerSecond: 1 })).toBe(1);
    expect(other.endpoint('a')).toBe(0);
    expect(machine.endpoints()).toEqual([
      { name: 'a', index: 0 },
      { name: 'b', index: 1 },
    ]);
    expect(machine.snapshot(1).tokens).toBe(3);
  });

  test('run out with a typed error, and the others stay', () => {
    const { machine } = setup({}, 2);
    machine.endpoint('a');
    machine.endpoint('b');
    expect(() => machine.endpoint('c')).toThrow(EndpointsExhaustedError);
    expect(() => machine.endpoint('c')).toThrow('no room for endpoint "c": all 2 are taken');
    expect(machine.endpoints()).toHaveLength(2);
    expect(machine.endpoint('b')).toBe(1);
  });

  test('keep the options of their first definition; others are a conflict that names the numbers', () => {
    const { machine } = setup();
    machine.endpoint('a', { failureThreshold: 2 });
    expect(machine.endpoint('a')).toBe(0);
    expect(machine.endpoint('a', { failureThreshold: 2 })).toBe(0);
    expect(() => machine.endpoint('a', { failureThreshold: 3 })).toThrow(PolicyConflictError);
    expect(() => machine.endpoint('a', { failureThreshold: 3 })).toThrow('failureThreshold = 2, here with 3');
  });

  test('take memory for their options once, however many threads come and whatever they ask for', () => {
    const { arena, machine } = setup();
    machine.endpoint('a', { burst: 3, refillPerSecond: 1 });
    const usedBytes = arena.usedBytes;
    for (const burst of [3, 3, 4]) {
      const other = StateMachine.attach(machine.handle, arena);
      if (burst === 3) other.endpoint('a', { burst, refillPerSecond: 1 });
      else expect(() => other.endpoint('a', { burst, refillPerSecond: 1 })).toThrow('burst = 3, here with 4');
    }
    expect(arena.usedBytes).toBe(usedBytes);
  });

  test.each([
    [{ failureThreshold: 0 }],
    [{ failureThreshold: 97 }],
    [{ failureThreshold: 1.5 }],
    [{ failureWindowMs: 0 }],
    [{ resetTimeout: 86_400_001 }],
    [{ halfOpenProbes: 0 }],
    [{ closeRatio: 0 }],
    [{ closeRatio: 1.01 }],
    [{ closeRatio: Number.NaN }],
    [{ burst: 256, refillPerSecond: 1 }],
    [{ openDuration: 10 } as EndpointOptions],
    [{ burst: 0, refillPerSecond: 1 }],
    [{ refillPerSecond: 0 }],
    [{ refillPerSecond: -1 }],
    [{ refillPerSecond: 255_001 }],
    // As they come out of the environment: neither may pass for "not limited".
    [{ refillPerSecond: '10' as unknown as number }],
    [{ closeRatio: '0.5' as unknown as number }],
  ] satisfies [EndpointOptions][])('refuse %j and define nothing', (options) => {
    const { machine } = setup();
    expect(() => machine.endpoint('a', options)).toThrow(PolicyError);
    expect(machine.endpoints()).toEqual([]);
  });

  test('that are not defined are a typed error in every call', () => {
    const { machine } = setup();
    machine.endpoint('a');
    for (const wrong of [-1, 1, 8, 1e9, 0.5, Number.NaN, Infinity]) {
      expect(() => machine.tryAcquire(wrong)).toThrow(EndpointError);
      expect(() => machine.recordDelivery(wrong, true)).toThrow(EndpointError);
      expect(() => machine.recordDelivery(wrong, false)).toThrow(EndpointError);
      expect(() => machine.snapshot(wrong)).toThrow(EndpointError);
      expect(() => machine.retryAfterMs(wrong)).toThrow(EndpointError);
      expect(() => machine.nameOf(wrong)).toThrow(EndpointError);
    }
    expect(() => machine.tryAcquire(1)).toThrow(
      'endpoint is 1, expected the index of one of 1 defined endpoints',
    );
  });
});

describe('the breaker', () => {
  test('opens at the n-th failure inside the window, wherever the window begins', () => {
    const { machine } = setup({ failureThreshold: 3, failureWindowMs: 100 });
    const a = machine.endpoint('a');
    const outcomes = [1000, 1099, 1101, 1150].map((now) =>
      machine.recordDelivery(a, false, undefined, 0, now),
    );
    expect(outcomes).toEqual([Recorded.Counted, Recorded.Counted, Recorded.Counted, Recorded.Tripped]);
    expect(machine.snapshot(a)).toMatchObject({ state: 'open', trips: 1, failures: 4 });
    const b = machine.endpoint('b');
    for (const now of [1000, 1060, 1101, 1180, 1220])
      expect(machine.recordDelivery(b, false, undefined, 0, now)).toBe(Recorded.Counted);
    expect(machine.recordDelivery(b, false, undefined, 0, 1240)).toBe(Recorded.Tripped);
  });

  test('refuses while open, admits its probes, closes when enough succeed', () => {
    const { machine } = setup({ resetTimeout: 100, halfOpenProbes: 3, closeRatio: 0.6 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    expect(machine.tryAcquire(a, 99)).toBe(Refusal.Open);
    expect(machine.retryAfterMs(a, 40)).toBe(60);
    const probes = [1, 2, 3].map(() => machine.tryAcquire(a, 100));
    expect(probes.every((outcome) => isAdmitted(outcome) && isProbe(outcome))).toBe(true);
    expect(machine.tryAcquire(a, 100)).toBe(Refusal.Probing);
    expect(machine.recordDelivery(a, true, probes[0], 0, 101)).toBe(Recorded.Counted);
    expect(machine.recordDelivery(a, true, probes[1], 0, 101)).toBe(Recorded.Closed);
    expect(machine.snapshot(a)).toMatchObject({
      state: 'closed',
      failures: 0,
      successes: 0,
      trips: 1,
      reopens: 0,
    });
    expect(isProbe(machine.tryAcquire(a, 102))).toBe(false);
  });

  test('opens again when too many probes fail, and the time starts anew', () => {
    const { machine } = setup({ resetTimeout: 100, halfOpenProbes: 2 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    const probe = machine.tryAcquire(a, 150);
    expect(machine.recordDelivery(a, false, probe, 0, 160)).toBe(Recorded.Reopened);
    expect(machine.tryAcquire(a, 259)).toBe(Refusal.Open);
    expect(isProbe(machine.tryAcquire(a, 260))).toBe(true);
    expect(machine.snapshot(a)).toMatchObject({ trips: 1, reopens: 1, era: 2 });
  });

  test('does not count a call that was admitted before it opened', () => {
    const { machine } = setup({ resetTimeout: 100, halfOpenProbes: 1 });
    const a = machine.endpoint('a');
    const early = machine.tryAcquire(a, 0);
    trip(machine, a, 0);
    expect(machine.recordDelivery(a, true, early, 0, 1)).toBe(Recorded.Stale);
    const probe = machine.tryAcquire(a, 100);
    expect(machine.recordDelivery(a, true, early, 0, 101)).toBe(Recorded.Stale);
    expect(machine.recordDelivery(a, true, probe, 0, 102)).toBe(Recorded.Closed);
    expect(machine.recordDelivery(a, false, early, 0, 103)).toBe(Recorded.Stale);
  });

  test('opens again when no probe answers, so that a dead caller cannot keep it half open', () => {
    const { machine } = setup({ resetTimeout: 100, halfOpenProbes: 1 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    machine.tryAcquire(a, 100);
    expect(machine.tryAcquire(a, 199)).toBe(Refusal.Probing);
    expect(machine.retryAfterMs(a, 150)).toBe(50);
    expect(machine.tryAcquire(a, 200)).toBe(Refusal.Open);
    expect(isProbe(machine.tryAcquire(a, 300))).toBe(true);
  });

  test('does not open by one failure when the number of its era comes round again', () => {
    const { machine } = setup({ failureWindowMs: 60_000, resetTimeout: 10, halfOpenProbes: 1 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    let now = 0;
    for (let reopened = 0; reopened < 7; reopened++) {
      now += 10;
      expect(machine.recordDelivery(a, false, machine.tryAcquire(a, now), 0, now)).toBe(Recorded.Reopened);
    }
    now += 10;
    expect(machine.recordDelivery(a, true, machine.tryAcquire(a, now), 0, now)).toBe(Recorded.Closed);
    expect(machine.snapshot(a)).toMatchObject({ era: 0, trips: 1, reopens: 7 });
    const failed = [1, 2, 3, 4, 5].map(() => machine.recordDelivery(a, false, undefined, 0, now));
    expect(failed).toEqual([0, 0, 0, 0, Recorded.Tripped]);
  });

  test('is never closed by a failed probe, however small the ratio', () => {
    const { machine } = setup({ resetTimeout: 10, halfOpenProbes: 2, closeRatio: 1e-12 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    const probes = [1, 2].map(() => machine.tryAcquire(a, 10));
    expect(machine.recordDelivery(a, false, probes[0], 0, 11)).toBe(Recorded.Counted);
    expect(machine.recordDelivery(a, true, probes[1], 0, 11)).toBe(Recorded.Closed);
  });

  test('works across the wrap of the 32-bit clock', () => {
    const { machine } = setup({ failureThreshold: 2, failureWindowMs: 50, resetTimeout: 100 });
    const a = machine.endpoint('a');
    machine.recordDelivery(a, false, undefined, 0, 0x7ffffff0);
    expect(machine.recordDelivery(a, false, undefined, 0, 0x7ffffff0 + 20)).toBe(Recorded.Tripped);
    expect(machine.tryAcquire(a, 0x7ffffff0 + 100)).toBe(Refusal.Open);
    expect(isProbe(machine.tryAcquire(a, 0x7ffffff0 + 120))).toBe(true);
  });

  test('refuses to record what was never admitted', () => {
    const { machine } = setup();
    const a = machine.endpoint('a');
    for (const wrong of [Refusal.Open, Refusal.Throttled, 17, 1.5, Number.NaN])
      expect(() => machine.recordDelivery(a, true, wrong)).toThrow(AdmissionError);
    expect(machine.snapshot(a).version).toBe(0);
  });
});

test.each([Number.NaN, Infinity, '5', null])('a time of %s is a typed error and changes nothing', (wrong) => {
  const { machine } = setup({ refillPerSecond: 1 });
  const a = machine.endpoint('a');
  expect(() => machine.tryAcquire(a, wrong as number)).toThrow(ArgumentRangeError);
  expect(() => machine.recordDelivery(a, false, undefined, 0, wrong as number)).toThrow(ArgumentRangeError);
  expect(machine.snapshot(a).version).toBe(0);
});

describe('the time to ask again', () => {
  test('is 0 as soon as a call would be admitted', () => {
    const { machine } = setup({ resetTimeout: 100, burst: 1, refillPerSecond: 10 });
    const a = machine.endpoint('a');
    machine.tryAcquire(a, 0);
    expect([0, 99, 100, 5000].map((now) => machine.retryAfterMs(a, now))).toEqual([100, 1, 0, 0]);
    trip(machine, a, 0);
    expect([0, 99, 100, 5000].map((now) => machine.retryAfterMs(a, now))).toEqual([100, 1, 0, 0]);
  });

  test('counts on from where the clock wraps, and is 0 after weeks', () => {
    const { machine } = setup({ resetTimeout: 100 });
    const a = machine.endpoint('a');
    trip(machine, a, 0x7fffffff);
    expect(machine.retryAfterMs(a, 0x7fffffff + 40)).toBe(60);
    expect(machine.retryAfterMs(a, 0x7fffffff + 2 ** 31 + 1000)).toBe(0);
  });

  test('is the whole time where all probes are lost: the next call opens the breaker again', () => {
    const { machine } = setup({ resetTimeout: 100, halfOpenProbes: 1 });
    const a = machine.endpoint('a');
    trip(machine, a, 0);
    machine.tryAcquire(a, 100);
    expect(machine.retryAfterMs(a, 200)).toBe(100);
    expect(machine.tryAcquire(a, 200)).toBe(Refusal.Open);
  });
});

describe('tokens', () => {
  test('run out, throttle, and come back at their rate', () => {
    const { machine } = setup({ burst: 2, refillPerSecond: 100 });
    const a = machine.endpoint('a');
    expect([0, 0, 0].map((now) => machine.tryAcquire(a, now))).toEqual([0, 0, Refusal.Throttled]);
    expect(machine.snapshot(a)).toMatchObject({ state: 'throttled', tokens: 0 });
    expect(machine.retryAfterMs(a, 3)).toBe(7);
    expect(machine.tryAcquire(a, 9)).toBe(Refusal.Throttled);
    expect(machine.tryAcquire(a, 10)).toBe(0);
    expect(machine.tryAcquire(a, 10)).toBe(Refusal.Throttled);
  });

  test('never exceed the capacity, however long nobody asks', () => {
    const { machine } = setup({ burst: 3, refillPerSecond: 1000 });
    const a = machine.endpoint('a');
    const admitted = Array.from({ length: 10 }, () => machine.tryAcquire(a, 80_000_000)).filter(isAdmitted);
    expect(admitted).toHaveLength(3);
  });

  test.each([0.5, 3, 333, 1500])('keep a rate of %d a second exactly over a long time', (refillPerSecond) => {
    const { machine } = setup({ burst: 255, refillPerSecond });
    const a = machine.endpoint('a');
    for (let i = 0; i < 255; i++) machine.tryAcquire(a, 0);
    let admitted = 0;
    for (let now = 1; now <= 60_000; now++) while (isAdmitted(machine.tryAcquire(a, now))) admitted++;
    expect(admitted).toBe(Math.floor(60 * refillPerSecond));
  });

  test('do not limit by default', () => {
    const { machine } = setup();
    const a = machine.endpoint('a');
    for (let i = 0; i < 1000; i++) expect(machine.tryAcquire(a)).toBe(0);
    expect(machine.snapshot(a)).toMatchObject({ tokens: 100, state: 'closed' });
  });
});

describe('execute', () => {
  test('calls, records, and passes the result or the error on', async () => {
    const { machine } = setup({ failureThreshold: 1, resetTimeout: 1000 });
    const a = machine.endpoint('a');
    await expect(machine.execute(a, () => 7)).resolves.toBe(7);
    expect(machine.snapshot(a).successes).toBe(1);
    await expect(machine.execute(a, () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    let called = false;
    const refused = machine.execute(a, () => {
      called = true;
    });
    await expect(refused).rejects.toThrow(RefusedError);
    await expect(refused).rejects.toMatchObject({
      code: 'ERR_REFUSED_OPEN',
      reason: 'open',
      endpoint: 'a',
      retryAfterMs: 1000,
    });
    expect(called).toBe(false);
  });
});

test('outcomes have names', () => {
  expect([0, 1, 14, 15, -1, -2, -3, -6, -7].map(acquireOutcomeName).join(' ')).toBe(
    'admitted probe admitted probe throttled open probing busy isolated',
  );
  for (const outcome of [-4, -9, Number.NaN])
    expect(() => acquireOutcomeName(outcome)).toThrow(`outcome is ${outcome}, expected an admission`);
  expect(Object.values(Recorded).map(recordOutcomeName)).toEqual([
    'counted',
    'tripped',
    'closed',
    'reopened',
    'stale',
  ]);
});

test('a machine without a clock of its own keeps time, and stops when it is disposed', async () => {
  const arena = Arena.create({ bytes: 1 << 18 });
  const machine = StateMachine.create(arena, { endpoints: 1, implementation: implementation() });
  const before = machine.clock.now();
  while (machine.clock.now() === before) await new Promise((resolve) => setImmediate(resolve));
  expect(machine.clock.hasTicker).toBe(true);
  machine[Symbol.dispose]();
  machine[Symbol.dispose]();
  expect(machine.clock.hasTicker).toBe(false);
});

test('a clock of another arena is a typed error', () => {
  const clock = CoarseClock.create(Arena.create({ bytes: 65536 }));
  const arena = Arena.create({ bytes: 1 << 18 });
  expect(() => StateMachine.create(arena, { endpoints: 1, clock })).toThrow(AttachError);
});

test.each(['endpoints', 'cells', 'names', 'clock', 'defaultPolicy'] as const)(
  'attaching where a stranger has written %s is a typed error',
  (field) => {
    for (const value of [-1, 0, 7, 128, 1 << 17, 0x7fffff80]) {
      const { arena, machine } = setup();
      arena.i32[(machine.handle.at >> 2) + machineRoot.word[field]] = value;
      expect(() => StateMachine.attach(machine.handle)).toThrow(AttachError);
    }
  },
);

test('attaching to names for more endpoints than there are cells is a typed error', () => {
  const { arena, machine } = setup({}, 8);
  const more = NameTable.create(arena, { capacity: 9 });
  arena.i32[(machine.handle.at >> 2) + machineRoot.word.names] = more.handle.at;
  expect(() => StateMachine.attach(machine.handle)).toThrow('capacity of the name table is 9, expected 8');
});

test.each([
  ['not an object', () => null],
  ['another kind', (h: StateMachineHandle) => ({ ...h, kind: 'shared-memory/arena' })],
  ['an address outside', (h: StateMachineHandle) => ({ ...h, at: 1 << 30 })],
  ['an address between objects', (h: StateMachineHandle) => ({ ...h, at: h.at + 128 })],
  ['no arena', (h: StateMachineHandle) => ({ ...h, arena: undefined })],
] as [string, (h: StateMachineHandle) => unknown][])('attaching to %s is a typed error', (_, change) => {
  const { machine } = setup();
  expect(() => StateMachine.attach(change(machine.handle) as ObjectHandle<'atomic-state/machine'>)).toThrow(
    AttachError,
  );
});

test('an error shows what was found so that a string is told from a number, and what was left out from what was wrong', () => {
  const { machine } = setup();
  const option =
    (options: object): (() => number) =>
    () =>
      machine.endpoint('other', options);
  expect(option({ resetTimeout: '5' })).toThrow('resetTimeout is "5", expected an integer from 1 to');
  expect(option({ resetTimeout: 'x'.repeat(1000) })).toThrow(/^resetTimeout is "x{200}…", /);
  expect(option({ timeout: 5 })).toThrow('timeout is no option, expected one of failureThreshold, ');
  const limited = machine.endpoint('limited', { capacity: 1 });
  expect(() => machine.recordDelivery(limited, true)).toThrow(
    'admission is left out, expected what tryAcquire',
  );
  expect(() => machine.recordDelivery(limited, true, Refusal.Open)).toThrow('admission is -2, expected what');
});

test('a machine without options, or with one that is none, is a typed error', () => {
  const arena = Arena.create({ bytes: 1 << 16 });
  const used = arena.usedBytes;
  expect(() => StateMachine.create(arena, undefined as never)).toThrow(PolicyError);
  expect(() => StateMachine.create(arena, { endpoints: 1, default: {} } as never)).toThrow(
    'default is no option',
  );
  expect(arena.usedBytes).toBe(used);
});

test.each([0, 65_537, 1.5])(
  'a machine for %d endpoints is refused before anything is allocated',
  (endpoints) => {
    const arena = Arena.create({ bytes: 1 << 16 });
    const used = arena.usedBytes;
    expect(() => StateMachine.create(arena, { endpoints })).toThrow(PolicyError);
    expect(arena.usedBytes).toBe(used);
  },
);
