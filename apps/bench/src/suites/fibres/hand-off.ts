// From one thread to another and back: another notion than a switch of fibres, and never in one table with it.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Scheduler, type Profile } from '@corelane/scheduler';
import { entryUrl } from '../../entry-url.ts';
import type { BatchCase, BatchGroup } from '../../suite.ts';
import { tasks } from '../scheduler/tasks.ts';
import { Held } from '../state/held.ts';
import { END, TURN } from './turn.ts';

const SCHEDULER = 'scheduler.run()';
const ECHO = 'suites/fibres/echo-thread';

/** So many are in a batch at least: one at a time. */
const BATCH = 64;

function scheduled(name: string, profile: Profile): BatchCase {
  const held = new Held<Scheduler>();
  let right = 0;
  return {
    name,
    role: 'ours',
    note: `profile ${profile}: submitted, run on a worker, awaited`,
    opsPerBatch: BATCH,
    async setup() {
      const scheduler = Scheduler.create({ threads: 1, preload: [tasks.double], profile });
      held.set(scheduler);
      await scheduler.ready;
    },
    async batch(operations) {
      const scheduler = held.get();
      let successful = 0;
      for (let n = 0; n < operations; n++) if ((await scheduler.run(tasks.double, n)) === 2 * n) successful++;
      right += successful;
      return successful;
    },
    check: ({ operations }) => (right === operations ? undefined : `${right} of ${operations} were right`),
    teardown: () => held.take()?.close(),
  };
}

const futex: BatchCase = (() => {
  const held = new Held<{ readonly thread: Worker; readonly words: Int32Array }>();
  let count = 0;
  return {
    name: 'Atomics.wait and notify, both ways',
    role: 'limit',
    note: 'this thread blocks meanwhile, which the main thread of a service must not',
    opsPerBatch: BATCH,
    async setup() {
      const words = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
      const thread = new Worker(entryUrl(ECHO), { workerData: words });
      held.set({ thread, words });
      await once(thread, 'online');
    },
    batch(operations) {
      const { words } = held.get();
      let successful = 0;
      for (let n = 0; n < operations; n++) {
        const turn = Atomics.load(words, TURN) + 1;
        Atomics.store(words, TURN, turn); // publish: pairs with the wait of the thread
        Atomics.notify(words, TURN);
        while (Atomics.load(words, TURN) === turn) Atomics.wait(words, TURN, turn);
        if (Atomics.load(words, TURN) === turn + 1) successful++;
      }
      count += successful;
      return successful;
    },
    check({ operations }) {
      const turns = Atomics.load(held.get().words, TURN);
      return turns === 2 * operations && count === operations
        ? undefined
        : `${turns} hand-offs, expected ${2 * operations}`;
    },
    async teardown() {
      const state = held.take();
      if (state === undefined) return;
      Atomics.store(state.words, TURN, END); // publish: pairs with the load of the thread
      Atomics.notify(state.words, TURN);
      await once(state.thread, 'exit');
    },
  };
})();

const messages: BatchCase = (() => {
  const held = new Held<Worker>();
  let right = 0;
  return {
    name: 'a message and its answer',
    role: 'peer',
    note: 'worker.postMessage, by hand',
    opsPerBatch: BATCH,
    async setup() {
      const thread = held.set(new Worker(entryUrl(ECHO), { workerData: null }));
      await once(thread, 'online');
    },
    batch: (operations) =>
      new Promise((resolve, reject) => {
        const thread = held.get();
        let sent = 0;
        let successful = 0;
        const answered = (answer: number): void => {
          if (answer === sent + 1) successful++;
          if (++sent < operations) thread.postMessage(sent);
          else {
            thread.off('message', answered).off('error', reject);
            right += successful;
            resolve(successful);
          }
        };
        thread.on('message', answered).once('error', reject).postMessage(sent);
      }),
    check: ({ operations }) => (right === operations ? undefined : `${right} of ${operations} were right`),
    teardown: async () => void (await held.take()?.terminate()),
  };
})();

export const handOff: BatchGroup = {
  kind: 'batch',
  name: 'hand-off',
  title: 'To another thread and back, one at a time',
  note: 'A thread hand-off is no fibre switch: two of them are in each operation. How soon the system wakes a thread is in all figures.',
  cases: [
    scheduled(SCHEDULER, 'balanced'),
    scheduled('scheduler.run(), lowLatency', 'lowLatency'),
    scheduled('scheduler.run(), efficient', 'efficient'),
    messages,
    futex,
  ],
  publication: {
    source: 'Targets of preemptive-threads, which reports no measurement',
    figures: [{ what: 'scheduling latency, at most', unit: 'ns', published: '10,000', of: SCHEDULER }],
  },
};
