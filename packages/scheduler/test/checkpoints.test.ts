// Checkpoints of plain functions, on real workers: cancelled, overtaken, sliced.
import {
  checkpoint,
  checkpointLooks,
  enterCheckpoints,
  uninterrupted,
} from '@corelane/scheduler/checkpoints';
import { expect, test, vi } from 'vitest';
import { POLICIES, Scheduler, type SchedulerOptions } from '../src/index.ts';
import { FINALLY, looping, MOST } from './tasks/checkpoints.ts';
import { Words } from './tasks/words.ts';

function create(words: Words, options: SchedulerOptions = {}): Scheduler {
  return Scheduler.create({ threads: 1, workerData: words.view, graceMs: 20_000, ...options });
}

test.each(POLICIES)(
  'an endless loop that is aborted ends, its finally runs, and its worker stays: %s',
  async (policy) => {
    const words = new Words(4);
    await using scheduler = create(words, { policy });
    const before = await scheduler.run(looping.threadId);
    const abort = new AbortController();
    const run = scheduler.run(looping.forEver, undefined, { signal: abort.signal });
    await words.arrived(1);
    abort.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await words.arrived(2);
    expect(words.view[FINALLY]).toBe(1);
    expect(await scheduler.run(looping.threadId)).toBe(before);
    expect(scheduler.stats()).toMatchObject({ lost: 0 });
  },
);

test('one that is late ends as well, in a generator too', async () => {
  const words = new Words(4);
  await using scheduler = create(words);
  const before = await scheduler.run(looping.threadId);
  await expect(scheduler.run(looping.inGenerator, undefined, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'ERR_TASK_TIMEOUT',
    wasRunning: true,
  });
  expect(await scheduler.run(looping.threadId)).toBe(before);
});

test('a loop that catches the error is thrown at again', async () => {
  const words = new Words(4);
  await using scheduler = create(words);
  await scheduler.run(looping.threadId);
  await expect(scheduler.run(looping.stubborn, undefined, { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'ERR_TASK_TIMEOUT',
  });
  await words.arrived(2);
  expect(await scheduler.run(looping.takeOrder)).toEqual(['TaskCancelledError', 'TaskCancelledError']);
});

test.each(['withFinally', 'withListener'] as const)(
  'what a task does when it is left is done to the end, loops included, and its worker stays: %s',
  async (name) => {
    const words = new Words(4);
    await using scheduler = create(words);
    const before = await scheduler.run(looping.threadId);
    const abort = new AbortController();
    const run = scheduler.run(looping[name], undefined, { signal: abort.signal });
    await words.arrived(1);
    abort.abort(new Error('enough'));
    await expect(run).rejects.toThrow('enough');
    await words.arrived(2);
    expect(words.view[FINALLY]).toBe(1);
    expect(await scheduler.run(looping.threadId)).toBe(before);
  },
);

test('a task that is overtaken now and then is as stuck as one that is not', async () => {
  const words = new Words(4);
  await using scheduler = create(words, {
    checkpoints: { overtake: true },
    watchdog: { slowMs: 100, killMs: 300, captureStack: false },
  });
  await scheduler.ready;
  const stuck = scheduler.run(looping.untilOpen, 7);
  const codes: unknown[] = [];
  stuck.catch(({ code }: { code: unknown }) => codes.push(code));
  await words.arrived(1);
  while (codes.length === 0) {
    await scheduler.run(looping.note, 'overtakes', { priority: 'high' }).catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 40)); // so that the watchdog hardly ever looks while it runs
  }
  expect(codes).toEqual(['ERR_TASK_STUCK']);
});

test('of asynchronous tasks no more than depth says are begun beyond those that a worker may have', async () => {
  const words = new Words(4);
  await using scheduler = create(words, {
    concurrentTasksPerWorker: 2,
    checkpoints: { overtake: true, depth: 3 },
  });
  const long = scheduler.run(looping.untilOpen, 7);
  await words.arrived(1);
  const all = Array.from({ length: 12 }, () => scheduler.run(looping.meetLater, 5, { priority: 'high' }));
  await expect(scheduler.run(looping.note, 'x', { priority: 'high', timeoutMs: 50 })).rejects.toThrow(
    /still queued/,
  );
  words.open();
  expect(await long).toBe(7);
  await Promise.all(all);
  expect(words.view[MOST]).toBe(5);
});

test('after an await checkpoints belong to no task', async () => {
  await using scheduler = create(new Words(4));
  expect(await scheduler.run(looping.afterAwait)).toBe(1);
  expect(await scheduler.run(looping.looks)).toBeGreaterThan(1000);
});

test('nothing runs in the middle of a task unless it is asked for', async () => {
  const words = new Words(4);
  await using scheduler = create(words);
  const long = scheduler.run(looping.untilOpen, 7, { priority: 'low' });
  await words.arrived(1);
  const urgent = scheduler.run(looping.openGate, undefined, { priority: 'critical', timeoutMs: 100 });
  await expect(urgent).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: false });
  words.open();
  expect(await long).toBe(7);
});

test.each(['priority', 'workStealing', 'deadline'] as const)(
  'a more urgent task overtakes one that runs, and no other does: %s',
  async (policy) => {
    const words = new Words(4);
    await using scheduler = create(words, { policy, checkpoints: { overtake: true } });
    const long = scheduler.run(looping.untilOpen, 7);
    await words.arrived(1);
    const same = scheduler.run(looping.note, 'same');
    const lower = scheduler.run(looping.note, 'lower', { priority: 'low' });
    await scheduler.run(looping.note, 'higher', { priority: 'high' });
    const failing = scheduler.run(looping.throwNote, 'thrown', { priority: 'high' });
    await expect(failing).rejects.toThrow('thrown');
    await scheduler.run(looping.noteInSteps, 'in steps', { priority: 'high' });
    const later = scheduler.run(looping.noteLater, 'later', { priority: 'high' });
    const pinned = scheduler.run(looping.note, 'pinned', { pin: { worker: 0 } });
    await pinned;
    await scheduler.run(looping.openGate, undefined, { priority: 'critical' });
    expect(await long).toBe(7);
    await Promise.all([same, lower, later]);
    const order = await scheduler.run(looping.takeOrder);
    expect(order.slice(0, 3)).toEqual(['higher', 'in steps', 'pinned']);
    expect(order.slice(3).toSorted()).toEqual(['later', 'lower', 'same']);
  },
);

test('what is pinned is overtaken by nothing', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { checkpoints: { overtake: true } });
  const long = scheduler.run(looping.untilOpen, 7, { pin: { worker: 0 } });
  await words.arrived(1);
  const others = [{ priority: 'critical' }, { pin: { worker: 0 } }] as const;
  for (const options of others) {
    const other = scheduler.run(looping.note, 'other', { ...options, timeoutMs: 50 });
    await expect(other).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: false });
  }
  words.open();
  expect(await long).toBe(7);
});

test('what its worker has taken with it waits for it', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { checkpoints: { overtake: true } });
  // Before there is a worker: it takes them all at once.
  const long = scheduler.run(looping.untilOpen, 7);
  const same = ['a', 'b', 'c'].map((text) => scheduler.run(looping.note, text));
  await words.arrived(1);
  for (let i = 0; i < 5; i++) await scheduler.run(looping.note, `${i}`, { priority: 'high' });
  await scheduler.run(looping.openGate, undefined, { priority: 'high' });
  expect(await long).toBe(7);
  await Promise.all(same);
  expect(await scheduler.run(looping.takeOrder)).toEqual(['0', '1', '2', '3', '4', 'a', 'b', 'c']);
});

test('under deadline what has an earlier one overtakes, and nothing later', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { policy: 'deadline', checkpoints: { overtake: true } });
  const inMs = (ms: number): number => Date.now() + ms;
  const long = scheduler.run(looping.untilOpen, 7, { deadlineMs: inMs(60_000) });
  await words.arrived(1);
  const others = [{ deadlineMs: inMs(90_000) }, { priority: 'critical' }] as const;
  for (const options of others) {
    const other = scheduler.run(looping.note, 'other', { ...options, timeoutMs: 50 });
    await expect(other).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: false });
  }
  const later = scheduler.run(looping.note, 'later', { deadlineMs: inMs(90_000) });
  const none = scheduler.run(looping.note, 'none', { priority: 'critical' });
  await scheduler.run(looping.note, 'earlier', { deadlineMs: inMs(50_000) });
  await scheduler.run(looping.openGate, undefined, { deadlineMs: inMs(40_000) });
  expect(await long).toBe(7);
  await Promise.all([later, none]);
  expect(await scheduler.run(looping.takeOrder)).toEqual(['earlier', 'later', 'none']);
});

test('what has spent its budget makes way for any', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { budgets: true, checkpoints: { overtake: true } });
  const spent = scheduler.run(looping.spendUntilOpen, 7);
  await words.arrived(1);
  expect(await scheduler.run(looping.looks, undefined, { priority: 'low' })).toBeGreaterThan(0);
  await scheduler.run(looping.openGate, undefined, { priority: 'low' });
  expect(await spent).toBe(7);
  expect(scheduler.stats().budgets?.yields).toBeGreaterThan(0);
});

test('what is of tier Yield makes way for any', async () => {
  const words = new Words(4);
  const soon = { violations: 1, cpuMs: 1, slowPolls: 1, checkEvery: 1 };
  const never = { violations: 1e9, cpuMs: 1e9, slowPolls: 1e9 };
  await using scheduler = create(words, {
    budgets: { promotionHysteresisMs: 0, tiers: { monitor: soon, warn: soon, yield: never } },
    checkpoints: { overtake: true },
  });
  const isYielding = Promise.withResolvers<void>();
  scheduler.on('tier', ({ to }) => {
    if (to === 'yield') isYielding.resolve();
  });
  for (let i = 0; i < 4; i++) await scheduler.run(looping.spinOrLoop, 30);
  await isYielding.promise;
  const long = scheduler.run(looping.spinOrLoop, 0);
  await words.arrived(1);
  await scheduler.run(looping.openGate, undefined, { priority: 'low' });
  await long;
  expect(scheduler.stats().budgets?.yields).toBeGreaterThan(0);
});

test('under deadline what has one overtakes what has none, however urgent that is', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { policy: 'deadline', checkpoints: { overtake: true } });
  const long = scheduler.run(looping.untilOpen, 7, { priority: 'critical' });
  await words.arrived(1);
  await scheduler.run(looping.openGate, undefined, { priority: 'low', deadlineMs: Date.now() + 60_000 });
  expect(await long).toBe(7);
});

test('under roundRobin plain functions are sliced: any other has its turn', async () => {
  const words = new Words(4);
  await using scheduler = create(words, {
    policy: 'roundRobin',
    sliceMs: 2,
    checkpoints: { overtake: true },
  });
  const long = scheduler.run(looping.untilOpen, 7);
  await words.arrived(1);
  for (let i = 0; i < 10; i++) await scheduler.run(looping.note, `${i}`, { priority: 'low' });
  await scheduler.run(looping.openGate);
  expect(await long).toBe(7);
  expect(await scheduler.run(looping.takeOrder)).toHaveLength(10);
});

test('no more tasks lie on the stack than depth says', async () => {
  const words = new Words(4);
  await using scheduler = create(words, {
    policy: 'roundRobin',
    sliceMs: 0.5,
    checkpoints: { overtake: true, depth: 3 },
  });
  const all = Array.from({ length: 8 }, (_, i) => scheduler.run(looping.nested, i));
  await words.arrived(4);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(words.view[MOST]).toBe(4);
  words.open();
  expect(await Promise.all(all)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(words.view[MOST]).toBe(4);
});

test('what is cancelled in the middle of another one leaves that alone, and the other way round', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { checkpoints: { overtake: true } });
  const before = await scheduler.run(looping.threadId);
  const below = new AbortController();
  const outer = scheduler.run(looping.forEver, undefined, { signal: below.signal });
  await words.arrived(1);
  const inner = scheduler.run(looping.forEver, undefined, { priority: 'high', timeoutMs: 50 });
  await words.arrived(2);
  below.abort(new Error('below'));
  await expect(outer).rejects.toThrow('below');
  await expect(inner).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' });
  await words.arrived(4);
  expect(words.view[FINALLY]).toBe(2);
  expect(await scheduler.run(looping.threadId)).toBe(before);
});

test('what is uninterrupted is not overtaken', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { checkpoints: { overtake: true } });
  const long = scheduler.run(looping.uninterruptedUntilArrived, 2);
  await words.arrived(1);
  const urgent = scheduler.run(looping.note, 'urgent', { priority: 'critical', timeoutMs: 50 });
  await expect(urgent).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT', wasRunning: false });
  Atomics.add(words.view, 0, 1);
  await long;
});

test('a worker that ends takes all tasks of its stack with it, and nothing else', async () => {
  const words = new Words(4);
  await using scheduler = create(words, { graceMs: 0, checkpoints: { overtake: true } });
  const outer = scheduler.run(looping.untilOpen, 7);
  await words.arrived(1);
  const inner = scheduler.run(looping.uninterruptedUntilArrived, 10, { priority: 'high', timeoutMs: 50 });
  const queued = scheduler.run(looping.note, 'queued');
  await expect(inner).rejects.toMatchObject({ code: 'ERR_TASK_TIMEOUT' });
  await expect(outer).rejects.toMatchObject({ code: 'ERR_WORKER_LOST' });
  await queued;
});

test('on a thread of no scheduler a checkpoint does nothing but count, and whoever runs code there may enter', () => {
  const looks = checkpointLooks();
  for (let i = 0; i < 6500; i++) checkpoint();
  expect(checkpointLooks() - looks).toBeGreaterThanOrEqual(99);
  expect(checkpointLooks() - looks).toBeLessThanOrEqual(102);
  let calls = 0;
  const before = enterCheckpoints(() => {
    calls++;
    throw new RangeError('from the handler');
  });
  expect(before).toBeUndefined();
  uninterrupted(() => {
    for (let i = 0; i < 200; i++) checkpoint();
  });
  expect(calls).toBe(0);
  expect(() => {
    for (;;) checkpoint();
  }).toThrow('from the handler');
  expect(calls).toBe(1);
  enterCheckpoints(before);
});

test.each([0.01, 0.05, 0.2])(
  'looks come about every half millisecond, where a turn takes %d ms',
  (turnMs) => {
    let nowMs = 1000;
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    const looks: number[] = [];
    try {
      enterCheckpoints((atMs) => void looks.push(atMs));
      for (let turn = 0; turn < 2000; turn++) {
        nowMs += turnMs;
        checkpoint();
      }
    } finally {
      enterCheckpoints(undefined);
      clock.mockRestore();
    }
    const settled = looks.slice(8); // from one checkpoint between two looks, or from what the code before had, to what is right here
    expect(settled.length).toBeGreaterThan(20);
    const gapsMs = settled.slice(1).map((atMs, n) => atMs - (settled[n] as number));
    expect(Math.min(...gapsMs)).toBeGreaterThan(0.25);
    expect(Math.max(...gapsMs)).toBeLessThan(1);
  },
);

test.each([
  [{ overtake: 'yes' }, /checkpoints.overtake is "yes", expected true or false/],
  [{ overtake: true, depth: 0 }, /checkpoints.depth is 0, expected an integer from 1 to 64/],
  [{ depth: 2 }, /checkpoints.depth is 2, expected none without checkpoints.overtake/],
  [{ takeover: true }, /checkpoints is "takeover", expected options overtake, depth/],
])('options that mean nothing are refused: %o', (checkpoints, message) => {
  expect(() => Scheduler.create({ threads: 1, checkpoints: checkpoints as never })).toThrow(message);
});

test('under fifo nothing may overtake', () => {
  expect(() => Scheduler.create({ threads: 1, policy: 'fifo', checkpoints: { overtake: true } })).toThrow(
    /checkpoints.overtake is true, expected false, where policy is fifo/,
  );
});
