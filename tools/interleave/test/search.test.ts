import { expect, test } from 'vitest';
import { explore, peek, phases, poke, repeat, type Scenario } from '../src/index.ts';
import { add, compareExchange, exchange, load, low, store, wait } from '../src/twin.ts';
import { caught } from './caught.ts';

/** Two threads that add 1 by a load and a store: wrong, but only where one preempts the other in between. */
const lostUpdate = (): Scenario => {
  const thread = function adder(): void {
    store(0, load(0) + 1);
  };
  return {
    name: 'adders',
    bytes: 8,
    names: { 0: 'sum' },
    threads: [thread, thread],
    check: () => (peek(0) === 2 ? undefined : `sum is ${peek(0)}`),
  };
};

test('a violation names the scenario and holds one line a step with the values before and after', () => {
  const { message, kind, why, statistics } = caught(lostUpdate());
  expect(kind).toBe('check');
  expect(why).toBe('sum is 1');
  expect(message.split('\n')).toEqual([
    'adders: check: sum is 1',
    expect.stringMatching(/^ {3}1 {2}t\d adder {2}load {15}sum@0 {2}0$/),
    expect.stringMatching(/^ {3}2 {2}t\d adder {2}load {15}sum@0 {2}0$/),
    expect.stringMatching(/^ {3}3 {2}t\d adder {2}store {14}sum@0 {2}0 -> 1$/),
    expect.stringMatching(/^ {3}4 {2}t\d adder {2}store {14}sum@0 {2}1 -> 1$/),
  ]);
  expect(statistics).toMatchObject({ complete: false, longestTrace: 4 });
});

test('the trace of two interchangeable threads follows each of them', () => {
  const { trace } = caught(lostUpdate());
  const steps = trace.map((line) => line.split(/ +/).slice(2, 5).join(' '));
  for (const thread of ['t0', 't1'])
    expect(steps.filter((step) => step.startsWith(thread))).toEqual([
      `${thread} adder load`,
      `${thread} adder store`,
    ]);
});

test('a bound on preemptions hides what needs one more, and says what it searched', () => {
  const bound0 = explore({ ...lostUpdate(), preemptions: 0 });
  expect(bound0).toMatchObject({ complete: true, ends: 1 });
  expect(caught({ ...lostUpdate(), preemptions: 1 }).kind).toBe('check');
});

test('parking and finishing are no preemptions', () => {
  const sleeper = () => wait(0, 0, 5);
  const ends = new Set<unknown>();
  explore({
    bytes: 8,
    preemptions: 0,
    threads: [sleeper, () => add(4, 1)],
    check: ([result]) => {
      ends.add(result);
      return undefined;
    },
  });
  expect([...ends]).toEqual([2]);
});

test('an invariant is judged in every state, with the trace to it', () => {
  const { kind, why, trace } = caught({
    bytes: 8,
    threads: [
      () => {
        store(0, 1);
        store(0, 0);
      },
      () => {
        store(4, 1);
        store(4, 0);
      },
    ],
    invariant: () => (peek(0) + peek(4) < 2 ? undefined : 'both are set'),
  });
  expect({ kind, why }).toEqual({ kind: 'invariant', why: 'both are set' });
  expect(trace).toHaveLength(2);
});

test('setup, invariant and check use the functions of the seam straight through; what they write in a judgement is gone', () => {
  const result = explore({
    bytes: 8,
    setup: () => {
      store(0, 5);
      poke(4, 6);
    },
    threads: [() => add(0, 1)],
    invariant: () => (add(4, 1) === 6 ? undefined : 'the invariant changed the memory'),
    check: ([before]) =>
      before === 5 && load(0) === 6 && compareExchange(4, 6, 7) === 6 ? undefined : 'wrong',
  });
  expect(result).toEqual({
    states: 2,
    transitions: 1,
    ends: 1,
    complete: true,
    longestTrace: 1,
    accesses: 1,
  });
});

test('a check that throws is a violation with the error as its cause', () => {
  const error = new Error('not so');
  const violation = caught({
    bytes: 8,
    threads: [() => load(0)],
    check: () => {
      throw error;
    },
  });
  expect(violation).toMatchObject({ kind: 'check', cause: error });
});

test('the results of interchangeable threads are judged in every order', () => {
  const thread = () => add(0, 1);
  const orders = new Set<string>();
  explore({
    bytes: 8,
    threads: [thread, thread, thread],
    check: (results) => {
      orders.add(results.join());
      return undefined;
    },
  });
  expect(orders.size).toBe(6);
});

test('a thread that throws is reported with the trace to it and the error', () => {
  const { kind, why, trace, cause } = caught({
    bytes: 8,
    threads: [
      () => {
        if (load(0) === 1) throw new RangeError('impossible');
      },
      () => store(0, 1),
    ],
  });
  expect({ kind, why }).toEqual({ kind: 'exception', why: 't0: a thread threw RangeError: impossible' });
  expect(cause).toBeInstanceOf(RangeError);
  expect(trace).toHaveLength(2);
});

test('a scenario that makes no access on the twin fails', () => {
  const { kind, message } = caught({ name: 'elsewhere', bytes: 8, threads: [() => 1, () => 2] });
  expect(kind).toBe('not-on-twin');
  expect(message).toContain('did not run on the twin');
});

test('threads that are no function of their accesses are reported', () => {
  let calls = 0;
  const strays = () => {
    load(calls++ === 0 ? 0 : 4);
    load(0);
  };
  expect(caught({ bytes: 8, threads: [strays] }).kind).toBe('nondeterminism');
  let runs = 0;
  const stops = () => {
    if (runs++ < 1) load(0);
  };
  expect(caught({ bytes: 8, threads: [stops] }).kind).toBe('nondeterminism');
  const swallows = () => {
    try {
      load(0);
    } catch {
      // The pause that the search throws must not be caught.
    }
  };
  expect(caught({ bytes: 8, threads: [swallows] }).kind).toBe('nondeterminism');
  const outer: number[] = [];
  const gathers = () => {
    outer.push(load(0), load(0));
    return outer;
  };
  expect(caught({ bytes: 8, threads: [gathers, () => store(0, 1)] }).kind).toBe('exception');
});

test('a `finally` that makes accesses runs on each end of a thread, and only there', () => {
  const thread = () => {
    try {
      load(0);
      load(0);
    } finally {
      store(4, 1);
    }
  };
  expect(explore({ bytes: 8, threads: [thread] })).toMatchObject({ longestTrace: 3, complete: true });
});

test('being cut off is a failure, unless the scenario allows it', () => {
  const spinner = () => {
    while (load(0) === 0);
  };
  const scenario: Scenario = { bytes: 8, threads: [spinner, () => store(0, 1)], maxSteps: 20 };
  const { kind, why, trace } = caught(scenario);
  expect(kind).toBe('truncated');
  expect(why).toBe('t0 spinner would make more than 20 accesses (maxSteps)');
  expect(trace.length).toBeGreaterThanOrEqual(20);
  expect(explore({ ...scenario, allowTruncated: true })).toMatchObject({ complete: false });
  expect(caught({ ...lostUpdate(), maxStates: 2 })).toMatchObject({
    kind: 'truncated',
    why: 'more than 2 states (maxStates)',
  });
});

test('a search that is cut off in one place still finds violations in others', () => {
  const spinner = () => {
    while (load(0) === 0);
    return load(4);
  };
  const setter = () => {
    store(0, 1);
    for (let i = 1; i <= 10; i++) store(4, i);
  };
  const { kind } = caught({
    bytes: 8,
    threads: [spinner, setter],
    maxSteps: 15,
    check: ([seen]) => (seen === 9 ? 'seen' : undefined),
  });
  expect(kind).toBe('check');
});

test('spinAfter makes spin loops in a kernel finite', () => {
  const locked = () => {
    while (exchange(0, 1) !== 0);
    store(4, load(4) + 1);
    store(0, 0);
  };
  const { complete } = explore({
    bytes: 8,
    threads: [locked, locked, locked],
    spinAfter: 2,
    check: () => (peek(4) === 3 ? undefined : 'lost'),
  });
  expect(complete).toBe(true);
});

test('two locks taken in opposite orders are a livelock, with the trace that takes them', () => {
  const both = (one: number, other: number) => () => {
    while (exchange(one, 1) !== 0);
    while (exchange(other, 1) !== 0);
    store(other, 0);
    store(one, 0);
  };
  const { kind, trace } = caught({ bytes: 8, threads: [both(0, 4), both(4, 0)], spinAfter: 2 });
  expect(kind).toBe('livelock');
  expect(trace).toHaveLength(2);
});

test('repeat searches a loop with no bound completely', () => {
  const consumer = repeat(
    0,
    () => load(0),
    (seen) => seen === 2,
  );
  const producer = () => {
    store(0, 1);
    store(0, 2);
  };
  const { complete, states } = explore({
    bytes: 8,
    threads: [consumer, producer],
    check: ([seen]) => (seen === 2 ? undefined : `ended with ${seen}`),
  });
  expect({ complete, states }).toEqual({ complete: true, states: 6 });
});

test('a loop that no schedule ends is a livelock', () => {
  const waits = repeat(
    0,
    () => load(0),
    (seen) => seen === 3,
  );
  expect(caught({ bytes: 8, threads: [waits, () => store(0, 1)] }).kind).toBe('livelock');
  const idle = repeat(
    0,
    () => 0,
    () => false,
  );
  expect(caught({ bytes: 8, threads: [idle, () => store(0, 1)] }).kind).toBe('livelock');
});

test('a thread that goes round on its own words does not put the others off for ever', () => {
  const busy = repeat(
    0,
    () => load(4),
    () => false,
  );
  const { kind } = caught({
    bytes: 8,
    threads: [busy, () => store(0, 1)],
    invariant: () => (peek(0) === 0 ? undefined : 'stored'),
  });
  expect(kind).toBe('invariant');
});

test('phases merge histories with one outcome, and change nothing else', () => {
  const step = (sum: number) => {
    load(0);
    return sum + (add(0, 1) >= 0 ? 1 : 0);
  };
  const inPhases = phases(0, step, step, step);
  const atOnce = () => step(step(step(0)));
  const check = (results: readonly number[]) =>
    results.join() === '3,3' && peek(0) === 6 ? undefined : 'wrong';
  const few = explore({ bytes: 8, threads: [inPhases, inPhases], check });
  const many = explore({ bytes: 8, threads: [atOnce, atOnce], check });
  expect(few.ends).toBe(1);
  expect(few.states).toBeLessThan(many.states / 2);
});

test('a phase may change the state it is given', () => {
  const push = (got: number[]) => {
    got.push(add(0, 1));
    return got;
  };
  const thread = phases<number[]>([], push, push);
  explore({
    bytes: 8,
    threads: [thread, thread],
    check: (results: readonly number[][]) =>
      results
        .flat()
        .toSorted((a, b) => a - b)
        .join() === '0,1,2,3'
        ? undefined
        : JSON.stringify(results),
  });
});

test('the reduction skips interleavings of steps on words of one thread', () => {
  const on = (at: number) => () => {
    for (let i = 0; i < 5; i++) add(at, 1);
    return load(0);
  };
  const scenario: Scenario = { bytes: 16, threads: [on(4), on(8), on(12)] };
  const reduced = explore(scenario);
  const whole = explore({ ...scenario, reduction: false });
  expect(whole.states).toBe(7 ** 3);
  expect(reduced.states).toBe(19);
  expect(reduced.ends).toBe(whole.ends);
});

test.each([
  [{ bytes: 12 }, 'bytes is 12, expected a positive multiple of 8'],
  [{ threads: [] }, '0 threads, expected 1 to 12'],
  [{ preemptions: -1 }, 'preemptions is -1, expected an integer of at least 0'],
  [{ maxSteps: 0.5 }, 'maxSteps is 0.5, expected an integer of at least 1'],
  [{ spinAfter: 1 }, 'spinAfter is 1, expected an integer of at least 2'],
])('a malformed scenario is refused: %o', (wrong, why) => {
  expect(() => explore({ bytes: 8, threads: [() => low()], ...wrong })).toThrow(why);
});
