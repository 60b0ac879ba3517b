import { Scheduler } from '@corelane/scheduler';
import { Piscina } from 'piscina';
import { entryUrl } from '../entry-url.ts';
import type { BatchCase, BatchGroup, BatchResult, Suite } from '../suite.ts';
import { double } from './scheduler/double.ts';
import { tasks } from './scheduler/tasks.ts';
import { Held } from './state/held.ts';

/** Tasks of one lane in a batch at least: a batch is no burst into an idle pool. */
const BURST = 64;

type Run = (n: number) => Promise<number> | number;

/** Runs `operations` tasks, `inFlight` at a time, and counts those whose result is right. */
async function inLanes(operations: number, inFlight: number, run: Run): Promise<number> {
  let next = 0;
  let successful = 0;
  const lane = async (): Promise<void> => {
    while (next < operations) {
      const n = next++;
      if ((await run(n)) === 2 * n) successful++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return successful;
}

function ours(threads: number, inFlight: number): BatchCase {
  const held = new Held<Scheduler>();
  return {
    name: 'scheduler.run',
    role: 'ours',
    async setup() {
      const scheduler = held.set(Scheduler.create({ threads }));
      await scheduler.ready;
    },
    opsPerBatch: inFlight * BURST,
    batch: (operations) => inLanes(operations, inFlight, (n) => held.get().run(tasks.double, n)),
    check({ operations }) {
      const { completed, slots } = held.get().stats();
      if (slots.used !== 0) return `${slots.used} slots in use, expected 0`;
      return completed === operations >>> 0
        ? undefined
        : `${completed} tasks completed, expected ${operations}`;
    },
    teardown: () => held.take()?.close(),
  };
}

function piscina(threads: number, inFlight: number): BatchCase {
  const held = new Held<Piscina>();
  return {
    name: 'piscina.run',
    role: 'peer',
    note: "piscina 5.3.2: atomics 'sync', concurrentTasksPerWorker 1024, recordTiming false, fixed threads: the best of 9 settings tried",
    setup() {
      held.set(
        new Piscina({
          filename: entryUrl('suites/scheduler/piscina-task').href,
          minThreads: threads,
          maxThreads: threads,
          idleTimeout: Infinity,
          atomics: 'sync',
          concurrentTasksPerWorker: 1024,
          recordTiming: false,
        }),
      );
    },
    opsPerBatch: inFlight * BURST,
    batch: (operations) => inLanes(operations, inFlight, (n) => held.get().run(n) as Promise<number>),
    check({ operations }) {
      const { completed } = held.get();
      return completed === operations ? undefined : `${completed} tasks completed, expected ${operations}`;
    },
    teardown: () => held.take()?.destroy(),
  };
}

/** What is lost where the work is too small to be worth a thread. */
function called(inFlight: number): BatchCase {
  return {
    name: 'await of the function, this thread',
    role: 'peer',
    note: 'no thread at all: what tasks must be larger than',
    opsPerBatch: inFlight * BURST,
    batch: async (operations): Promise<number | BatchResult> => inLanes(operations, inFlight, double),
    check: () => undefined,
  };
}

function tiny(threads: number, inFlight: number): BatchGroup {
  return {
    kind: 'batch',
    name: `tiny-${threads}-${inFlight}`,
    title: `A task of one multiplication, ${threads} ${threads === 1 ? 'worker' : 'workers'}, ${inFlight} in flight`,
    cases: [ours(threads, inFlight), piscina(threads, inFlight), called(inFlight)],
    claims: [{ of: 'piscina.run', against: 'scheduler.run', atLeast: inFlight === 1 ? 1 : 8 }],
  };
}

export const suite: Suite = {
  name: 'scheduler',
  title: 'Tasks of the scheduler against piscina',
  groups: [1, 2].flatMap((threads) => [1, 64, 1024].map((inFlight) => tiny(threads, inFlight))),
};
