// Nobody starves: clients beside clients, levels below levels, tasks behind long ones, timers beside tasks. By counting, not by the clock.
import { readFile } from 'node:fs/promises';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { POLICIES, type Policy, Scheduler } from '../src/index.ts';
import { tasks } from './tasks/basic.ts';
import { gated } from './tasks/gated.ts';
import { COUNTS, Words } from './tasks/words.ts';

/** Tasks that two workers may have taken before they look at another client: a batch each, and one under way. */
function ahead(policy: Policy): number {
  return 2 * ((policy === 'workStealing' ? 256 : 16) + 1);
}

interface Held {
  readonly words: Words;
  readonly scheduler: Scheduler;
  /** Lets the workers go on. */
  readonly open: () => Promise<unknown>;
}

/** A scheduler whose workers all are held by a task, so that what is queued waits. */
async function held(threads: number, policy: Policy): Promise<Held> {
  const words = new Words();
  const scheduler = Scheduler.create({ threads, policy, workerData: words.view, preload: [gated.hold] });
  const holds = Array.from({ length: threads }, () => scheduler.run(gated.hold, 1));
  await words.arrived(threads);
  return {
    words,
    scheduler,
    open: () => {
      words.open();
      return Promise.all(holds);
    },
  };
}

/** Keeps so many tasks in flight until `until` has settled, and ten times as many have run. @returns how many */
async function flood(
  run: () => Promise<unknown>,
  inFlight: number,
  until: Promise<unknown>,
): Promise<number> {
  const state = { isOver: false, count: 0 };
  const over = until.finally(() => (state.isOver = true));
  const lane = async (): Promise<void> => {
    while (!state.isOver || state.count < 10 * inFlight) {
      await run();
      state.count++;
    }
  };
  await Promise.all([over, ...Array.from({ length: inFlight }, lane)]);
  return state.count;
}

const IN_TURN = (['priority', 'roundRobin', 'workStealing', 'deadline'] as const).flatMap((policy) =>
  [1, 2].map((threads) => [policy, threads] as const),
);

test.each(IN_TURN)(
  '%s: a client with one task does not wait behind thousands of another one (%i workers)',
  async (policy, threads) => {
    const { scheduler, open } = await held(threads, policy);
    await using _ = scheduler;
    await using other = Scheduler.attach(scheduler.handle);
    const many = Array.from({ length: 2000 }, () => scheduler.run(gated.stampHere));
    const one = other.run(gated.stampHere);
    await open();
    const [worker, stamp] = await one;
    const before = (await Promise.all(many)).filter((each) => each[0] === worker && each[1] < stamp);
    // Of those that the same worker ran: it may have been stopped with the task in hand, while the other one went on.
    expect(before.length).toBeLessThanOrEqual(ahead(policy));
  },
);

test.each(IN_TURN)(
  '%s: clients with as many tasks advance side by side (%i workers)',
  async (policy, threads) => {
    const each = 600;
    const { scheduler, open } = await held(threads, policy);
    await using _ = scheduler;
    await using second = Scheduler.attach(scheduler.handle);
    await using third = Scheduler.attach(scheduler.handle);
    const runs = [scheduler, second, third].map((client) =>
      Promise.all(Array.from({ length: each }, () => client.run(gated.stamp))),
    );
    await open();
    const stamps = await Promise.all(runs);
    // After so many tasks, whoever they were of, no client is further behind another than workers take at once.
    for (let after = 100; after <= 3 * each; after += 100) {
      const shares = stamps.map((own) => own.filter((stamp) => stamp < after).length);
      expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2 * ahead(policy));
    }
  },
);

test.each(POLICIES)(
  '%s: tasks that one worker has taken behind a long one run on the others',
  async (policy) => {
    for (let round = 0; round < 2; round++) {
      const words = new Words(1);
      await using scheduler = Scheduler.create({
        threads: 2,
        policy,
        workerData: words.view,
        preload: [gated.hold],
      });
      await scheduler.ready;
      const behind = Array.from({ length: 7 * round }, () => scheduler.run(gated.count, COUNTS));
      const long = scheduler.run(gated.hold, 7);
      for (let n = 0; n < 60; n++) behind.push(scheduler.run(gated.count, COUNTS));
      await Promise.all(behind);
      words.open();
      expect(await long).toBe(7);
    }
  },
);

test.each(POLICIES)(
  '%s: long tasks that are queued at once run on as many workers as there are',
  async (policy) => {
    const words = new Words();
    await using scheduler = Scheduler.create({
      threads: 3,
      policy,
      workerData: words.view,
      preload: [gated.hold],
    });
    await scheduler.ready;
    const holds = Array.from({ length: 3 }, (_, n) => scheduler.run(gated.hold, n));
    await words.arrived(3);
    words.open();
    expect(await Promise.all(holds)).toEqual([0, 1, 2]);
  },
);

test.each(POLICIES)(
  '%s: a task of low priority runs, though urgent ones never stop coming',
  async (policy) => {
    await using scheduler = Scheduler.create({ threads: 1, slots: 512, policy });
    const low = scheduler.run(tasks.double, 1, { priority: 0 });
    const urgent = await flood(
      () => scheduler.run(tasks.double, 2, { priority: 'critical' }),
      100,
      low.then((result) => expect(result).toBe(2)),
    );
    expect(urgent).toBeLessThan(10_000);
  },
);

test('deadline: a task without one runs, though tasks that have one never stop coming', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 512, policy: 'deadline' });
  const deadlineMs = performance.timeOrigin + performance.now() + 60_000;
  let dated = 0;
  const undated = new Promise((resolve) => {
    setImmediate(() => resolve(scheduler.run(tasks.double, 1)));
  });
  await flood(
    async () => {
      await scheduler.run(tasks.double, 2, { deadlineMs });
      dated++;
    },
    100,
    Promise.race([undated, untilCounted(() => dated, 50_000)]),
  );
  await undated;
  expect(dated).toBeLessThan(50_000);
});

test('a task of low priority that waits for a slot gets one, though urgent ones never stop coming', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 8 });
  await scheduler.ready;
  let urgent = 0;
  const low = new Promise((resolve) => {
    setImmediate(() => resolve(scheduler.run(tasks.double, 1, { priority: 0 })));
  });
  const isOver = Promise.race([low, untilCounted(() => urgent, 50_000)]);
  await flood(
    async () => {
      await scheduler.run(tasks.double, 2, { priority: 'critical' });
      urgent++;
    },
    100,
    isOver,
  );
  await low;
  expect(urgent).toBeLessThan(50_000);
});

test('a client gets slots, though another one has more tasks than there are', async () => {
  await using scheduler = Scheduler.create({ threads: 1, slots: 16 });
  await using other = Scheduler.attach(scheduler.handle);
  await scheduler.ready;
  let foreign = 0;
  let most = 0;
  const one = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) {
      const before = foreign;
      await other.run(tasks.double, n);
      most = Math.max(most, foreign - before);
    }
  };
  const isOver = Promise.race([one(), untilCounted(() => foreign, 100_000)]);
  await flood(
    async () => {
      await scheduler.run(tasks.double, 2);
      foreign++;
    },
    200,
    isOver,
  );
  expect(foreign).toBeLessThan(100_000);
  expect(most).toBeLessThan(20_000);
});

/** So that a test which found starvation ends. */
async function untilCounted(count: () => number, most: number): Promise<void> {
  while (count() < most) await turn();
}

test('between two turns of the event loop no more tasks settle than there are slots', async () => {
  const slots = 256;
  await using scheduler = Scheduler.create({ threads: 2, slots });
  await scheduler.ready;
  const seen = { settled: 0, most: 0, turns: 0 };
  const watch = async (): Promise<void> => {
    while (seen.settled < 60_000) {
      const before = seen.settled;
      await turn();
      seen.turns++;
      seen.most = Math.max(seen.most, seen.settled - before);
    }
  };
  await flood(
    async () => {
      await scheduler.run(tasks.double, 2);
      seen.settled++;
    },
    1024,
    watch(),
  );
  expect(seen.turns).toBeGreaterThan(10);
  // What was there when it looked, and what came while it settled that.
  expect(seen.most).toBeLessThanOrEqual(2 * slots);
});

test('timers and files of the submitting thread are served under full load', async () => {
  await using scheduler = Scheduler.create({ threads: 2 });
  await scheduler.ready;
  const served = { reads: 0, timers: 0 };
  const files = async (): Promise<void> => {
    for (; served.reads < 20; served.reads++) await readFile(import.meta.filename);
  };
  const timers = async (): Promise<void> => {
    for (; served.timers < 20; served.timers++) await delay(1);
  };
  const ran = await flood(() => scheduler.run(tasks.double, 2), 1024, Promise.all([files(), timers()]));
  expect(ran).toBeGreaterThan(1024);
});

test('timers of a worker go on under full load', async () => {
  const words = new Words(1);
  await using scheduler = Scheduler.create({ threads: 1, workerData: words.view });
  await scheduler.run(gated.tickEvery, [COUNTS, 1]);
  const ticks = (): number => Atomics.load(words.view, COUNTS);
  const enough = untilCounted(ticks, 20);
  const ran = await flood(() => scheduler.run(tasks.double, 2), 256, enough);
  expect(ran).toBeGreaterThan(256);
});
