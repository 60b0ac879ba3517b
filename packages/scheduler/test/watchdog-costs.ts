// What the watchdog costs, and how late it is: `npm run watchdog-costs`. Medians and worst of `ROUNDS`; stores are interleaved with an empty loop.
import { Arena } from '@corelane/shared-memory';
import { isMainThread } from 'node:worker_threads';
import { defineTasks, Scheduler, type SlowTask } from '../src/index.ts';
import { tableOptions } from '../src/options.ts';
import { bytesFor, SchedulerTable } from '../src/table.ts';
import { stackOf } from '../src/watchdog/inspected-thread.ts';
import { PollSampler } from '../src/watchdog/poll-sampler.ts';
import { PollWord } from '../src/watchdog/poll-word.ts';

const ROUNDS = 25;
const BATCH = 5e6;
const SLOW_MS = 50;
const KILL_MS = 100;
const SAMPLE_MS = 10;

export const hogs = defineTasks(import.meta.url, {
  spin(): never {
    for (;;);
  },
});

function summary(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const show = (value: number | undefined): string => (value ?? Number.NaN).toFixed(2).padStart(9);
  return `p50 ${show(sorted[sorted.length >> 1])}   max ${show(sorted.at(-1))}   of ${values.length}`;
}

function timed(run: () => void, calls: number): number {
  const startMs = performance.now();
  run();
  return ((performance.now() - startMs) * 1e6) / calls;
}

function printStores(): void {
  const plan = tableOptions({ threads: 8, slots: 4 });
  const table = SchedulerTable.create(Arena.create({ bytes: bytesFor(plan) }), plan);
  const word = new PollWord(table, 1);
  const works = [(x: number): number => x + 1, (x: number): number => x * 2];
  let sink = 0;
  const empty = (): void => {
    for (let i = 0; i < BATCH; i++) sink = ((works[i & 1] as (x: number) => number)(sink) % 7) | 0;
  };
  const polled = (): void => {
    for (let i = 0; i < BATCH; i++) {
      word.begin(i & 3);
      sink = ((works[i & 1] as (x: number) => number)(sink) % 7) | 0;
    }
  };
  const looks = 1e5;
  const sampler = new PollSampler(table, { slowMs: SLOW_MS, killMs: KILL_MS });
  const look = (): void => {
    for (let i = 0; i < looks; i++) for (let worker = 0; worker < 8; worker++) sampler.look(worker, i);
  };
  const stores: number[] = [];
  const looked: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const plain = timed(empty, BATCH);
    stores.push(timed(polled, BATCH) - plain);
    looked.push(timed(look, looks));
  }
  console.log(`a poll, of the worker that has it, ns           ${summary(stores)}`);
  console.log(`a look at 8 workers, ns                         ${summary(looked)}`);
}

async function printEnds(thread: boolean): Promise<void> {
  const reported: number[] = [];
  const ended: number[] = [];
  const stacks: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await using scheduler = Scheduler.create({
      threads: 1,
      preload: [hogs.spin],
      watchdog: { slowMs: SLOW_MS, killMs: KILL_MS, sampleMs: SAMPLE_MS, thread },
    });
    await scheduler.ready;
    const startMs = performance.now();
    scheduler.on('slowTask', ({ threadId }: SlowTask) => {
      reported.push(performance.now() - startMs);
      const askedMs = performance.now();
      void stackOf(threadId, 1000).then(() => stacks.push(performance.now() - askedMs));
    });
    await scheduler.run(hogs.spin).catch(() => ended.push(performance.now() - startMs));
  }
  const where = thread ? 'on a thread of its own' : "on the owner's thread";
  console.log(`${where}: slowMs ${SLOW_MS}, killMs ${KILL_MS}, sampleMs ${SAMPLE_MS}`);
  console.log(`  from run() to the event slowTask, ms          ${summary(reported)}`);
  console.log(`  from run() to TaskStuckError, ms              ${summary(ended)}`);
  console.log(`  a stack, ms                                   ${summary(stacks)}`);
}

if (isMainThread) {
  console.log(`Node ${process.version}`);
  printStores();
  await printEnds(false);
  await printEnds(true);
}
