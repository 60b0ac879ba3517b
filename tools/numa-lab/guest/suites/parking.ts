/** Parking a running worker through V8's interrupt, on arm64: what the addon finds in Node by the names of C++ symbols. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Answer } from '@corelane/platform';
import { isParked, park, resume } from '@corelane/platform/experimental';
import type { ParkTicket } from '@corelane/platform/experimental';
import { expectRefused, expectVerified } from '../answers.ts';
import type { Suite } from '../suite.ts';
import { expectEqual, expectThat } from '../suite.ts';

const TIMES = { timeoutMs: 30_000, requestTimeoutMs: 5000 };
const WINDOW_MS = 100;

class Spinner {
  readonly worker: Worker;
  readonly ticket: ParkTicket;
  readonly tid: number;
  readonly #shared: Int32Array;

  private constructor(worker: Worker, shared: Int32Array, ticket: ParkTicket, tid: number) {
    this.worker = worker;
    this.#shared = shared;
    this.ticket = ticket;
    this.tid = tid;
  }

  static async start(): Promise<Spinner> {
    const shared = new Int32Array(new SharedArrayBuffer(8));
    const worker = new Worker(join(import.meta.dirname, '../spinner.ts'), { workerData: shared });
    const [told] = (await once(worker, 'message')) as [{ tid: Answer<number>; ticket: Answer<ParkTicket> }];
    const spinner = new Spinner(
      worker,
      shared,
      expectVerified('Parkable.register', told.ticket),
      expectVerified('threadId', told.tid),
    );
    await spinner.runs();
    return spinner;
  }

  /** How far it counts in a while. */
  async progress(): Promise<number> {
    const before = Atomics.load(this.#shared, 1);
    await wait(WINDOW_MS);
    return (Atomics.load(this.#shared, 1) - before) | 0;
  }

  /** Until it counts. The test's own time-out ends a wait in vain. */
  async runs(): Promise<void> {
    while ((await this.progress()) === 0);
  }

  /** Until /proc has it asleep (S). */
  async sleeps(): Promise<void> {
    for (;;) {
      const stat = readFileSync(`/proc/self/task/${this.tid}/stat`, 'utf8');
      if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('S')) return;
      await wait(1);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }
}

export const suite: Suite = {
  name: 'parking',
  tests: [
    {
      name: 'a worker that never yields is parked, and runs on',
      asked: 'park a counting loop, resume it',
      async run() {
        await using spinner = await Spinner.start();
        const parked = expectVerified('park', park(spinner.ticket, TIMES));
        // It says that it is parked just before it sleeps. A worker that counts never does.
        await spinner.sleeps();
        expectEqual('isParked', isParked(spinner.ticket), true);
        expectEqual('progress while parked', await spinner.progress(), 0);
        expectEqual('wasParked', expectVerified('resume', resume(parked)).wasParked, true);
        await spinner.runs();
        return 'parked: state S, counts nothing; resumed: counts on';
      },
    },
    {
      name: 'a parked worker resumes by itself after its time-out',
      asked: 'park with timeoutMs 200, no resume',
      async run() {
        await using spinner = await Spinner.start();
        expectVerified('park', park(spinner.ticket, { ...TIMES, timeoutMs: 200 }));
        await spinner.runs();
        expectEqual('isParked', isParked(spinner.ticket), false);
        return 'counts on';
      },
    },
    {
      name: 'terminate() ends a parked worker',
      asked: 'park, terminate, park again',
      async run() {
        const spinner = await Spinner.start();
        expectVerified('park', park(spinner.ticket, TIMES));
        const started = performance.now();
        await spinner.worker.terminate();
        const took = performance.now() - started;
        expectThat(
          `terminate took ${took.toFixed(0)} ms, less than the park's time-out`,
          took < TIMES.timeoutMs / 2,
        );
        return expectRefused('park', park(spinner.ticket, TIMES), 'ESRCH');
      },
    },
  ],
};
