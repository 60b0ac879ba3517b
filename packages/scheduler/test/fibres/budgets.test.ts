// Budgets and tiers of fibres, by hand: the clocks are the test's.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { ArgumentRangeError } from '@corelane/shared-memory';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import {
  TIER_ISOLATE,
  TIER_MONITOR,
  TIER_WARN,
  TIER_YIELD,
  type TaskHooks,
} from '../../src/budgets/index.ts';
import {
  FibreScheduler,
  giveWay,
  sleep,
  type Fibre,
  type FibreContext,
  type FibreGenerator,
  type FibreSchedulerOptions,
} from '../../src/fibres/index.ts';

/** The clock: it is bound where modules are loaded. */
const clock = vi.hoisted(() => {
  const own = { nowMs: 1000, cpuMs: 0 };
  performance.now = (): number => own.nowMs;
  return own;
});

const cpuClock = { source: 'thread' as const, nowMs: (): number => clock.cpuMs };

function scheduler(options: FibreSchedulerOptions = {}): FibreScheduler {
  return new FibreScheduler({ policy: 'roundRobin', budgets: true, clock: cpuClock, ...options });
}

let order: string[] = [];
beforeEach(() => void (order = []));

/** Each of its polls takes so long, of which so much is CPU time. */
function* polls(name: string, wallMs: number, cpuMs = wallMs): FibreGenerator<never> {
  for (;;) {
    order.push(name);
    clock.nowMs += wallMs;
    clock.cpuMs += cpuMs;
    yield;
  }
}

/** Polls of all until this one has reached a tier. */
function pollUntil(fibres: FibreScheduler, fibre: Fibre, tier: number): number[] {
  const tiers = [fibre.tier];
  for (let i = 0; i < 10_000 && fibre.tier !== tier; i++) {
    fibres.poll(1);
    if (fibre.tier !== tiers.at(-1)) tiers.push(fibre.tier);
  }
  return tiers;
}

test('a hog rises one tier at a time, and those beside it stay where they are', () => {
  const fibres = scheduler();
  const hog = fibres.spawn(polls('h', 50));
  const others = Array.from({ length: 10 }, (_, i) => fibres.spawn(polls(`${i}`, 1)));
  expect(pollUntil(fibres, hog, TIER_ISOLATE)).toEqual([TIER_MONITOR, TIER_WARN, TIER_YIELD, TIER_ISOLATE]);
  expect(others.every(({ tier }) => tier === TIER_MONITOR)).toBe(true);
  expect(fibres.stats().budgets).toMatchObject({
    promotions: 3,
    demotions: 0,
    tiers: { monitor: 10, warn: 0, yield: 0, isolate: 1 },
    cpuClock: { source: 'thread' },
  });
});

test('an isolated fibre has its share of turns where others could go on, and all where none could', () => {
  for (const [isolatedShare, share] of [
    [undefined, 0.25],
    [0.1, 0.1],
    [1, 0.5],
  ] as const) {
    const fibres = scheduler({ sliceMs: 0, ...(isolatedShare !== undefined && { isolatedShare }) });
    const hog = fibres.spawn(polls('h', 50));
    pollUntil(fibres, hog, TIER_ISOLATE);
    const other = fibres.spawn(polls('o', 0.01));
    order = [];
    fibres.poll(400);
    expect(order.filter((name) => name === 'h').length / 400).toBeCloseTo(share, 2);
    other.cancel();
    fibres.poll(20);
    order = [];
    fibres.poll(8);
    expect(order.join('')).toBe('hhhhhhhh');
  }
});

test('from tier yield on a fibre makes way at each yield, whatever is left of its slice; a tier below that it does not', () => {
  const fibres = scheduler({ sliceMs: 10_000 });
  const hog = fibres.spawn(polls('h', 50));
  pollUntil(fibres, hog, TIER_WARN);
  fibres.spawn(polls('o', 0.01));
  order = [];
  fibres.poll(2);
  expect(order.join('')).toBe('hh');
  pollUntil(fibres, hog, TIER_YIELD);
  order = [];
  fibres.poll(3);
  expect(order.join('')).toMatch(/^(oo|ho)/);
});

test('one that sleeps in its poll uses no CPU time, and breaks no rule of it; one that spins does', () => {
  const fibres = scheduler();
  fibres.spawn(polls('s', 50, 0));
  fibres.poll(3);
  expect(fibres.stats().budgets?.violations).toEqual({ budget: 0, cpu: 0, slow: 3 });
  const spinning = scheduler();
  spinning.spawn(polls('s', 50));
  spinning.poll(3);
  expect(spinning.stats().budgets?.violations).toEqual({ budget: 0, cpu: 3, slow: 3 });
});

test('CPU time that something else has used between two runs of the loop is no fibre’s', () => {
  const fibres = scheduler();
  fibres.spawn(polls('s', 50, 0));
  for (let i = 0; i < 3; i++) {
    fibres.poll(1);
    clock.cpuMs += 40;
  }
  expect(fibres.stats().budgets?.violations).toMatchObject({ cpu: 0 });
});

test('CPU time that polls before it have used is not that of a slow one that sleeps', () => {
  const fibres = scheduler();
  fibres.spawn(function* () {
    for (let i = 0; i < 6; i++) {
      clock.nowMs += i < 5 ? 8 : 50;
      clock.cpuMs += i < 5 ? 8 : 0;
      yield;
    }
  });
  fibres.poll();
  expect(fibres.stats().budgets?.violations).toEqual({ budget: 0, cpu: 0, slow: 1 });
});

test('a single slow poll is seen', () => {
  const fibres = scheduler();
  fibres.spawn(function* () {
    for (let i = 0; i < 1000; i++) {
      clock.nowMs += i === 777 ? 10.5 : 0.001;
      yield;
    }
  });
  fibres.poll();
  expect(fibres.stats().budgets?.violations.slow).toBe(1);
});

test('a budget that is spent makes way at the next yield, and is full again; without budgets it never is', () => {
  const fibres = scheduler({ budgets: { pollBudget: 100 } });
  const left: (number | boolean)[] = [];
  function* consume({ budget, name }: FibreContext): FibreGenerator<void> {
    for (let i = 0; i < 4; i++) {
      order.push(name);
      left.push(budget.remaining, budget.consume(i === 2 ? 1000 : 30));
      yield;
    }
  }
  fibres.spawn(consume, { name: 'c' });
  fibres.spawn(polls('o', 0.01));
  fibres.poll(6);
  expect(order.join('')).toBe('cccooo');
  expect(left).toEqual([100, true, 100, true, 100, false]);
  expect(fibres.stats().budgets?.violations.budget).toBe(1);
  const free = new FibreScheduler();
  let isSpent = true;
  free.spawn(function* ({ budget }) {
    budget.consume(1e9);
    ({ isSpent } = budget);
    yield;
  });
  free.poll();
  expect(isSpent).toBe(false);
  expect(free.stats().budgets).toBeUndefined();
});

test('more urgent fibres may do more, less urgent ones less', () => {
  const fibres = scheduler({ policy: 'priority' });
  const remaining: number[] = [];
  for (const priority of ['low', 'normal', 'high', 'critical'] as const)
    fibres.spawn(
      function* ({ budget }) {
        remaining.unshift(budget.remaining);
        yield;
      },
      { priority },
    );
  fibres.poll();
  expect(remaining).toEqual([1000, 2000, 4000, 8000]);
});

describe('hooks', () => {
  const record = (name: string): TaskHooks => ({
    beforePoll: (task) => void order.push(`${name}:before ${task.name}`),
    afterPoll: (result, durationNs, task) =>
      void order.push(`${name}:${result} ${task.name} ${durationNs / 1e6}`),
    onYield: ({ tier }) => void order.push(`${name}:yield ${tier}`),
    onCompletion: (result) => void order.push(`${name}:completion ${result}`),
  });

  test('see each poll, with how it ended and how long it took', () => {
    const fibres = scheduler({ hooks: record('a') });
    fibres.spawn(
      function* () {
        clock.nowMs += 2;
        yield* giveWay;
        clock.nowMs += 3;
      },
      { name: 'f' },
    );
    fibres.poll();
    expect(order).toEqual([
      'a:before f',
      'a:pending f 2',
      'a:yield 0',
      'a:before f',
      'a:done f 3',
      'a:completion done',
    ]);
  });

  test('can be exchanged at any time, in a poll and in a hook too: no poll goes to two', () => {
    const fibres = scheduler({ hooks: record('a') });
    const failing = fibres.spawn(
      function* () {
        fibres.setHooks(record('b'));
        yield;
        fibres.setHooks(undefined);
        yield;
        throw new Error('over');
      },
      { name: 'f' },
    );
    void failing.join().catch(() => {});
    fibres.poll(1);
    expect(order).toEqual(['a:before f', 'a:pending f 0']);
    fibres.poll(1);
    expect(order.slice(2)).toEqual(['b:before f', 'b:pending f 0']);
    fibres.poll();
    expect(order).toHaveLength(4);
  });
});

test('what happens is published on channels', () => {
  const events: [string, unknown][] = [];
  const names = ['tier', 'slow-poll', 'violation', 'yield'].map((name) => `corelane:scheduler:${name}`);
  const note = (event: unknown, name: string | symbol): unknown => events.push([String(name), event]);
  for (const name of names) subscribe(name, note);
  try {
    const fibres = scheduler({ sliceMs: 0 });
    const hog = fibres.spawn(polls('h', 50), { name: 'hog' });
    pollUntil(fibres, hog, TIER_WARN);
  } finally {
    for (const name of names) unsubscribe(name, note);
  }
  expect(events).toContainEqual([names[0], { task: 'hog', worker: -1, from: 'monitor', to: 'warn' }]);
  const poll = { task: 'hog', worker: -1, durationMs: 50, cpuMs: 50, tier: 'monitor' };
  expect(events).toContainEqual([names[1], poll]);
  expect(events).toContainEqual([names[2], { ...poll, causes: ['cpu', 'slow'] }]);
  expect(events).toContainEqual([names[3], { task: 'hog', worker: -1, tier: 'warn', why: 'budget' }]);
});

test('the signal of a fibre aborts with it', async () => {
  const fibres = new FibreScheduler();
  let signal: AbortSignal | undefined;
  const fibre = fibres.spawn(function* (context) {
    ({ signal } = context);
    yield* sleep(1000);
  });
  fibres.poll();
  fibre.cancel('why');
  expect(signal?.aborted).toBe(true);
  expect(signal?.reason).toBe('why');
  await expect(fibre.join()).rejects.toBe('why');
});

test.each<[string, unknown]>([
  ['budgets.profile', { budgets: 'strict' }],
  ['isolatedShare', { isolatedShare: 0.5 }],
  ['isolatedShare', { budgets: true, isolatedShare: 0 }],
  ['hooks', { hooks: {} }],
  ['hooks', { budgets: true, hooks: {} }],
  ['clock', { budgets: true, clock: {} }],
  ['clock', { clock: cpuClock }],
])('%s of %j is refused', (argument, options) => {
  const create = (): unknown => new FibreScheduler(options as FibreSchedulerOptions);
  expect(create).toThrow(ArgumentRangeError);
  expect(create).toThrow(new RegExp(`^${argument.replace('.', '\\.')} is `));
  expect(() => new FibreScheduler().setHooks({ onYield: () => {} })).toThrow(/none without option budgets/);
});
