// What watches polls, by a clock that the test moves.
import { Arena } from '@corelane/shared-memory';
import { expectZeroAllocation } from '@corelane/memory-tracker';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CpuClock, PolledTask, TaskHooks, TierEvent, ViolationEvent } from '../../src/budgets/index.ts';
import { cpuClock, tierPlan } from '../../src/budgets/index.ts';
import type { WatchMessage } from '../../src/monitor/event-post.ts';
import { budgetStatsOf } from '../../src/monitor/budget-stats.ts';
import { Monitor } from '../../src/monitor/monitor.ts';
import type { Watched } from '../../src/monitor/watched.ts';
import { tableOptions } from '../../src/options.ts';
import { bytesFor, SchedulerTable } from '../../src/table.ts';
import { taskIndex } from '../../src/task-names.ts';

const LEVEL = 10;
const SLOW_MS = 10;
/** Three numbers, which the engine boxes, four where it does not inline; and half of one for what it does on the side: no fifth. */
const LOOK_BYTES = 4 * 16 + 8;
/** Of one name, again and again. */
const POLLS_A_LOOK = 32;

class Bench {
  nowMs = 1000;
  cpuMs = 0;
  looks = 0;
  readonly table: SchedulerTable;
  readonly monitor: Monitor;
  readonly violations: ViolationEvent[] = [];
  readonly tiers: TierEvent[] = [];

  constructor(names: readonly string[] = ['a', 'b', 'c']) {
    const options = tableOptions({ threads: 1, slots: 8, budgets: true });
    const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(options) }), options);
    for (const name of names) taskIndex(table.names, `file:///tasks.ts#${name}`);
    this.table = table;
    const seenMs = (): number => this.seenMs;
    const cpu: CpuClock = { source: 'thread', nowMs: () => this.cpuMs };
    const { watch, tiers } = table;
    if (watch === undefined || tiers === undefined) throw new Error('nobody watches');
    this.monitor = new Monitor({
      watch,
      tiers,
      worker: 0,
      plan: tierPlan(true),
      clock: {
        get nowMs() {
          return seenMs();
        },
        look: () => this.look(),
      },
      cpuClock: cpuClock(cpu),
      nameOf: (id) => table.taskName(id),
      send: (message) => this.#take(message),
    });
  }

  seenMs = 1000;

  look(): void {
    this.looks++;
    this.seenMs = this.nowMs;
  }

  #take({ event }: WatchMessage): void {
    if (event.kind === 'tier') this.tiers.push(event.event);
    else this.violations.push(event.event);
  }

  name(id: number): Watched {
    return this.monitor.ofName(id, LEVEL);
  }

  poll(watched: Watched, ms: number, cpuShare = 1): void {
    this.monitor.begin(watched);
    this.nowMs += ms;
    this.cpuMs += ms * cpuShare;
    this.monitor.end(watched, 'done', false);
  }
}

test('of any mixture of polls each slow one that follows a look is seen, by its name and length, and no other', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({ name: fc.nat(2), ms: fc.constantFrom(0.001, 0.01, 0.2, 3, 12, 40), rest: fc.boolean() }),
      ),
      (history) => {
        const bench = new Bench();
        const expected: [string, number][] = [];
        for (const { name, ms, rest } of history) {
          bench.poll(bench.name(name), ms);
          if (ms > SLOW_MS) expected.push([bench.name(name).name, ms]);
          if (rest) {
            bench.monitor.rest();
            bench.nowMs += 500; // is nobody's
          }
        }
        bench.monitor.rest();
        const seen = bench.violations.map(({ task, durationMs }): [string, number] => [task, durationMs]);
        const stats = budgetStatsOf(bench.table);
        expect(stats?.polls).toBe(history.length);
        // Slow polls of one name within one group are one violation: there is at least one for each run of them.
        const runs = expected.filter(([task], i) => i === 0 || expected[i - 1]?.[0] !== task);
        expect(seen.length).toBeGreaterThanOrEqual(Math.min(runs.length, 20));
        expect(new Set(seen.map(([task]) => task))).toEqual(
          new Set(expected.slice(0, 1000).map(([task]) => task)),
        );
        for (const [, ms] of seen) expect(ms).toBeGreaterThan(SLOW_MS);
        const names = stats?.tasks.map(({ polls }) => polls);
        expect(names).toEqual([0, 1, 2].map((id) => history.filter(({ name }) => name === id).length));
      },
    ),
  );
});

test('polls of one name that are short share a look at the clock, and a slow one among them is that much too long', () => {
  const bench = new Bench();
  const a = bench.name(0);
  for (let i = 0; i < 1000; i++) bench.poll(a, 0.001);
  const before = bench.looks;
  for (let i = 0; i < 3200; i++) bench.poll(a, 0.001);
  expect(bench.looks - before).toBe(100);
  for (let i = 0; i < 7; i++) bench.poll(a, 0.001);
  bench.poll(a, 15);
  for (let i = 0; i < 100; i++) bench.poll(a, 0.001);
  expect(bench.violations).toHaveLength(1);
  expect(bench.violations[0]?.durationMs).toBeCloseTo(15, 1);
  expect(bench.violations[0]?.cpuMs).toBeCloseTo(15, 0);
});

test('after a slow one each poll has a look of its own', () => {
  const bench = new Bench();
  const a = bench.name(0);
  for (let i = 0; i < 1000; i++) bench.poll(a, 0.001);
  for (let i = 0; i < 64; i++) bench.poll(a, 12);
  bench.monitor.rest();
  // The first group may hold several.
  const { total } = budgetStatsOf(bench.table)?.violations ?? { total: 0 };
  expect(total).toBeGreaterThanOrEqual(64 - 31);
});

test('CPU time of a poll is not that of polls before it, and not that of what was no poll', () => {
  const bench = new Bench();
  const a = bench.name(0);
  for (let i = 0; i < 5; i++) bench.poll(a, 5);
  bench.poll(a, 20, 0);
  bench.monitor.rest();
  bench.nowMs += 100;
  bench.cpuMs += 100;
  bench.poll(a, 20, 0);
  bench.poll(a, 20, 0.75);
  expect(bench.violations.map(({ causes }) => causes)).toEqual([['slow'], ['slow'], ['cpu', 'slow']]);
  expect(bench.violations.map(({ cpuMs }) => Math.round(cpuMs ?? -1))).toEqual([0, 0, 15]);
  // What short polls have used since the clock was read last is theirs.
  for (let i = 0; i < 9; i++) bench.poll(a, 0.1);
  bench.poll(a, 12, 9.9 / 12);
  bench.monitor.rest();
  expect(bench.violations).toHaveLength(4);
  expect(bench.violations.at(-1)).toMatchObject({ causes: ['slow'] });
});

test('a spent budget is a violation of that poll, however short it was', () => {
  const bench = new Bench();
  const a = bench.name(0);
  for (let i = 0; i < 100; i++) bench.poll(a, 0.001);
  bench.monitor.begin(a);
  bench.monitor.end(a, 'done', true);
  bench.monitor.rest();
  expect(bench.violations).toMatchObject([{ task: 'a', causes: ['budget'] }]);
  expect(budgetStatsOf(bench.table)).toMatchObject({ polls: 101, violations: { total: 1, budget: 1 } });
});

test('the time of polls on top of another one is theirs, and what is below it is one poll', () => {
  const bench = new Bench();
  const [a, b] = [bench.name(0), bench.name(1)];
  for (let i = 0; i < 100; i++) bench.poll(a, 0.001);
  bench.monitor.begin(a);
  bench.nowMs += 4;
  const below = bench.monitor.interrupt();
  bench.poll(b, 12);
  bench.poll(b, 1);
  bench.monitor.goOn(below);
  bench.nowMs += 5;
  bench.monitor.end(a, 'done', false);
  expect(bench.violations).toMatchObject([{ task: 'b' }]);
  bench.monitor.begin(a);
  bench.nowMs += 4;
  const again = bench.monitor.interrupt();
  bench.poll(b, 1);
  bench.monitor.goOn(again);
  bench.nowMs += 8;
  bench.monitor.end(a, 'done', false);
  expect(bench.violations).toMatchObject([{ task: 'b' }, { task: 'a' }]);
  expect(bench.violations[1]?.durationMs).toBeCloseTo(12, 5);
  bench.monitor.rest();
  expect(budgetStatsOf(bench.table)?.polls).toBe(100 + 2 + 3);
});

test('hooks are told how long polls took: the sum is right, and a slow one is told with its group, or by itself after a rest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ name: fc.nat(1), ms: fc.constantFrom(0.001, 0.01, 0.2, 12), rest: fc.boolean() })),
      (history) => {
        const bench = new Bench();
        const told = [0, 0];
        let last = 0;
        bench.monitor.hooks.set({
          afterPoll: (_, durationNs, { name }: PolledTask) => {
            expect(durationNs).toBeGreaterThanOrEqual(0);
            last = durationNs / 1e6;
            told[name === 'a' ? 0 : 1]! += last;
          },
        });
        const took = [0, 0];
        let rested = true;
        for (const { name, ms, rest } of history) {
          const watched = bench.name(name);
          const owed = watched.owedMs;
          bench.poll(watched, ms);
          took[name]! += ms;
          if (rested) expect(last).toBeCloseTo(Math.max(0, ms + owed), 5);
          rested = rest;
          if (rest) bench.monitor.rest();
        }
        bench.monitor.rest();
        for (const name of [0, 1]) expect(told[name]! + bench.name(name).owedMs).toBeCloseTo(took[name]!, 4);
      },
    ),
  );
});

test('hooks cost no more looks at the clock, and no object', () => {
  const bench = new Bench();
  let calls = 0;
  bench.monitor.hooks.set({
    beforePoll: () => void calls++,
    afterPoll: () => void calls++,
    onCompletion: () => void calls++,
  });
  for (let i = 0; i < 1000; i++) bench.poll(bench.name(0), 0.001);
  const before = bench.looks;
  for (let i = 0; i < 10 * POLLS_A_LOOK; i++) bench.poll(bench.name(0), 0.001);
  expect(bench.looks - before).toBe(10);
  expect(calls).toBe(2640);
  const a = bench.name(0);
  const poll = (): void => {
    bench.monitor.begin(a);
    bench.monitor.end(a, 'done', false);
    bench.monitor.completed(a, 'done');
  };
  expectZeroAllocation(poll, { maxBytes: LOOK_BYTES / POLLS_A_LOOK });
});

test('hooks that are set within a poll are told of the next one', () => {
  const bench = new Bench();
  const told: string[] = [];
  const hooks = (name: string): TaskHooks => ({
    beforePoll: () => void told.push(`${name} before`),
    afterPoll: () => void told.push(`${name} after`),
  });
  const a = bench.name(0);
  for (const next of [hooks('1'), hooks('2'), undefined, hooks('3')]) {
    bench.monitor.begin(a);
    bench.monitor.hooks.set(next);
    bench.nowMs += 1;
    bench.monitor.end(a, 'done', false);
  }
  expect(told).toEqual(['1 before', '1 after', '2 before', '2 after']);
});

test('a task that goes on has a record of its own, which its name learns of when it ends', () => {
  const bench = new Bench();
  const name = bench.name(0);
  const task = bench.monitor.ofTask(name, false);
  for (let i = 0; i < 200; i++) bench.poll(task, 12);
  expect(bench.tiers.map(({ from, to }) => [from, to])).toEqual([
    ['monitor', 'warn'],
    ['warn', 'yield'],
    ['yield', 'isolate'],
  ]);
  expect(budgetStatsOf(bench.table)?.tasks[0]).toMatchObject({ tier: 'monitor', polls: 0 });
  bench.monitor.completed(task, 'done');
  bench.monitor.rest();
  expect(budgetStatsOf(bench.table)).toMatchObject({ active: 0, polls: 200 });
  expect(budgetStatsOf(bench.table)?.tasks[0]).toMatchObject({
    tier: 'monitor',
    polls: 200,
    violations: 200,
  });
});

test('watching a poll allocates no object: what there is are numbers of each look at the clock', () => {
  const bench = new Bench();
  const [a, b] = [bench.name(0), bench.name(1)];
  let at = 0;
  let isAlternating = false;
  const poll = (): void => {
    const watched = isAlternating && ++at % 3 === 0 ? b : a;
    bench.nowMs += 0.001;
    bench.monitor.begin(watched);
    bench.monitor.end(watched, 'done', false);
    bench.monitor.completed(watched, 'done');
  };
  expectZeroAllocation(poll, { maxBytes: LOOK_BYTES / POLLS_A_LOOK });
  isAlternating = true;
  // A look for two polls out of three.
  expectZeroAllocation(poll, { maxBytes: (LOOK_BYTES * 2) / 3 });
});
