// Which fibre goes on next, by hand: `poll` resumes so many, and the clock is the test's.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import fc from 'fast-check';
import {
  FibreScheduler,
  giveWay,
  type FibreGenerator,
  type FibreOptions,
  type SwitchReport,
} from '../../src/fibres/index.ts';
import { SwitchStatistics } from '../../src/fibres/switch-statistics.ts';
import { MinHeap, type Heaped } from '../../src/fibres/min-heap.ts';

/** The clock: it is bound where modules are loaded. */
const clock = vi.hoisted(() => {
  const own = { nowMs: 1000 };
  performance.now = (): number => own.nowMs;
  return own;
});

let order: string[] = [];
beforeEach(() => void (order = []));

/** Notes its name at each step, which takes so long. */
function* steps(name: string, count: number, stepMs = 0): FibreGenerator<void> {
  for (let i = 0; i < count; i++) {
    order.push(name);
    clock.nowMs += stepMs;
    yield;
  }
  clock.nowMs += stepMs;
}

function spawnAll(
  fibres: FibreScheduler,
  options: Readonly<Record<string, FibreOptions>>,
  count = 3,
  stepMs = 0,
): void {
  for (const [name, each] of Object.entries(options))
    fibres.spawn(steps(name, count, stepMs), { name, ...each });
}

test('fifo: each until its end; one that gives way is the last of all', () => {
  const fibres = new FibreScheduler({ policy: 'fifo' });
  spawnAll(fibres, { a: {}, b: {} }, 3, 1000);
  fibres.spawn(function* () {
    order.push('c');
    yield* giveWay;
    order.push('c');
  });
  fibres.spawn(steps('d', 1));
  fibres.poll();
  expect(order.join('')).toBe('aaabbbcdc');
  expect(fibres.stats().preempted).toBe(0);
});

test('roundRobin: in turn, whatever their priorities, when a slice is over and not before', () => {
  const fibres = new FibreScheduler({ policy: 'roundRobin', sliceMs: 10 });
  spawnAll(fibres, { a: { priority: 'critical' }, b: {}, c: { sliceMs: 20 } }, 5, 5);
  fibres.poll();
  expect(order.join('')).toBe('aabbccccaabbcab');
});

test('a slice of 0 is over at each yield', () => {
  const fibres = new FibreScheduler({ policy: 'roundRobin', sliceMs: 0 });
  spawnAll(fibres, { a: {}, b: {}, c: {} });
  fibres.poll();
  expect(order.join('')).toBe('abcabcabc');
  expect(fibres.stats().switches).toMatchObject({ count: 12 });
});

test('a slice that has time left is not given away, but by giveWay', () => {
  const fibres = new FibreScheduler({ policy: 'roundRobin' });
  fibres.spawn(function* () {
    for (let i = 0; i < 2; i++) {
      order.push('a');
      yield;
      order.push('A');
      yield* giveWay;
    }
  });
  fibres.spawn(steps('b', 4));
  fibres.poll();
  expect(order.join('')).toBe('aAbbbbaA');
});

test('priority: a more urgent one goes on at the next yield, within a level in turn', () => {
  const fibres = new FibreScheduler({ policy: 'priority', sliceMs: 10 });
  spawnAll(fibres, { a: { priority: 'low' }, b: {}, c: {} }, 4, 5);
  fibres.spawn(function* () {
    order.push('x');
    fibres.spawn(steps('u', 2), { priority: 20 });
    order.push('y');
    yield;
    order.push('z');
  });
  fibres.poll();
  expect(order.join('')).toBe('bbccxyuuzbbccaaaa');
});

test('priority: one that has waited for long has one slice, so that none starves', () => {
  const fibres = new FibreScheduler({ policy: 'priority', sliceMs: 10, ageingMs: 100 });
  const end = new AbortController();
  fibres.spawn(
    function* () {
      while (!end.signal.aborted) {
        order.push('u');
        clock.nowMs += 5;
        yield;
      }
    },
    { priority: 'high' },
  );
  fibres.spawn(steps('w', 5, 5), { priority: 'low' });
  fibres.poll(64);
  end.abort();
  fibres.poll();
  expect(order.join('')).toMatch(/^u{20,23}wwu{20,23}wwu+w$/);
  const unfair = new FibreScheduler({ policy: 'priority', ageingMs: Infinity });
  spawnAll(unfair, { u: { priority: 20 }, w: { priority: 0 } }, 1000, 50);
  order = [];
  unfair.poll();
  expect(order.join('')).toBe('u'.repeat(1000) + 'w'.repeat(1000));
});

test('deadline: the earliest first, those without one last; an earlier one goes on at the next yield', () => {
  const fibres = new FibreScheduler({ policy: 'deadline', sliceMs: 10 });
  const at = (ms: number): FibreOptions => ({ deadlineMs: performance.timeOrigin + ms });
  spawnAll(fibres, { n: {}, m: {}, late: at(9e6), soon: at(5e6), equal: at(5e6) }, 2, 10);
  fibres.spawn(function* () {
    order.push('first');
    fibres.spawn(steps('now', 2), at(1));
    yield;
    order.push('first');
  }, at(2));
  fibres.poll();
  expect(order.join(' ')).toBe('first now now first soon equal soon equal late late n m n m');
});

test('one that was interrupted comes before its equals, with what is left of its slice', () => {
  const fibres = new FibreScheduler({ policy: 'priority', sliceMs: 10 });
  // After these every poll is looked at.
  fibres.spawn(steps('w', 2, 4), { priority: 'critical' });
  fibres.spawn(function* () {
    for (let i = 0; i < 5; i++) {
      order.push('a');
      clock.nowMs += 4;
      if (i === 0) fibres.spawn(steps('u', 1, 20), { priority: 'high' });
      yield;
    }
  });
  fibres.spawn(steps('b', 1, 4));
  fibres.poll();
  expect(order.join('')).toBe('wwauaabaa');
});

test('deadlines that are equal interrupt nobody', () => {
  const fibres = new FibreScheduler({ policy: 'deadline' });
  const deadlineMs = performance.timeOrigin + 5000;
  spawnAll(fibres, { a: { deadlineMs }, b: { deadlineMs } }, 5);
  fibres.poll();
  expect(order.join('')).toBe('aaaaabbbbb');
  expect(fibres.stats().preempted).toBe(0);
});

test('a switch is from one fibre to another: one that follows itself is none', () => {
  const fibres = new FibreScheduler({ policy: 'roundRobin', sliceMs: 0, timeEvery: 1 });
  fibres.spawn(steps('a', 100));
  fibres.poll();
  expect(fibres.stats().switches).toMatchObject({
    kind: 'fibre switch',
    count: 1,
    samples: 0,
    averageNs: undefined,
    isTargetMet: false,
  });
});

test('as many switches are timed as were asked for', () => {
  const timed = (timeEvery: number): SwitchReport => {
    const fibres = new FibreScheduler({ policy: 'roundRobin', sliceMs: 0, timeEvery });
    spawnAll(fibres, { a: {}, b: {} }, 500);
    fibres.poll();
    return fibres.stats().switches;
  };
  expect(timed(0)).toMatchObject({ count: 1002, samples: 0, averageNs: undefined, isTargetMet: false });
  expect(timed(10)).toMatchObject({ count: 1002, samples: 100, isTargetMet: true });
});

describe('statistics of switches', () => {
  test('have an average, the fastest and the slowest, less what the clock costs', () => {
    const statistics = new SwitchStatistics('thread hand-off', 200);
    for (const [ns, clockNs] of [
      [150, 70],
      [350, 50],
      [250, 60],
    ] as const)
      statistics.record(ns, clockNs);
    expect(statistics.report()).toMatchObject({
      kind: 'thread hand-off',
      samples: 3,
      averageNs: 200,
      fastestNs: 100,
      slowestNs: 300,
      clockNs: 50,
      isTargetMet: true,
    });
    statistics.record(254, 50);
    expect(statistics.report()).toMatchObject({ averageNs: 201, isTargetMet: false });
  });

  test('never say that a target is met where there are no samples, nor that anything took less than no time', () => {
    const statistics = new SwitchStatistics('fibre switch', 500);
    statistics.count = 1e6;
    expect(statistics.report()).toMatchObject({ samples: 0, isTargetMet: false, averageNs: undefined });
    statistics.record(40, 50);
    expect(statistics.report()).toMatchObject({ fastestNs: 0, averageNs: 0, isTargetMet: true });
  });
});

test('poll resumes as often as it says, and not from within a fibre', () => {
  const fibres = new FibreScheduler({ policy: 'roundRobin', sliceMs: 0 });
  const inner: number[] = [];
  fibres.spawn(function* () {
    inner.push(fibres.poll());
    yield;
  });
  spawnAll(fibres, { a: {}, b: {} });
  expect(fibres.poll(0)).toBe(0);
  expect(fibres.poll(4)).toBe(4);
  expect(order.join('')).toBe('ab');
  expect(fibres.poll()).toBe(6);
  expect(fibres.poll()).toBe(0);
  expect(inner).toEqual([0]);
  expect(() => fibres.poll(-1)).toThrow(/most is -1/);
});

test('a heap gives what was put into it, the least first, equal ones in order, but for what was taken out', () => {
  interface Item extends Heaped {
    readonly id: number;
  }
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.record({ add: fc.integer({ min: 0, max: 999 }) }) },
          { weight: 1, arbitrary: fc.record({ take: fc.constant(true) }) },
          { weight: 1, arbitrary: fc.record({ remove: fc.nat() }) },
        ),
        { minLength: 50, maxLength: 200, size: 'max' },
      ),
      (operations) => {
        const heap = new MinHeap<Item>();
        const model: Item[] = [];
        let id = 0;
        for (const operation of operations) {
          if ('add' in operation) {
            const item = { id: id++, key: operation.add, order: 0, at: -1 };
            heap.add(item);
            model.push(item);
            model.sort((a, b) => a.key - b.key || a.id - b.id);
          } else if ('take' in operation) expect(heap.takeLeast()).toBe(model.shift());
          else if (model.length > 0) {
            const [item] = model.splice(operation.remove % model.length, 1) as [Item];
            heap.remove(item);
            heap.remove(item);
          }
          expect(heap.size).toBe(model.length);
          expect(heap.least).toBe(model[0]);
        }
      },
    ),
  );
});
