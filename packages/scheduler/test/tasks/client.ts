// A thread that is a client: submits tasks until it has submitted all, or is told to end, or is terminated.
import { parentPort, threadId, workerData } from 'node:worker_threads';
import { Scheduler, type SchedulerHandle } from '../../src/index.ts';
import { gated } from './gated.ts';
import { COUNTS } from './words.ts';

export interface ClientData {
  readonly handle: SchedulerHandle;
  /** First of its words to count. */
  readonly first: number;
  readonly tasks: number;
  readonly inFlight: number;
  readonly mode: 'count' | 'flood' | 'hold' | 'spin' | 'abandon';
}

export interface ClientReport {
  readonly id: number;
  readonly threadId: number;
  readonly completed: number;
  readonly refused: number;
  readonly wrong: readonly string[];
}

const { handle, first, tasks, inFlight, mode } = workerData as ClientData;
const client = Scheduler.attach(handle);
parentPort?.postMessage({ id: client.id, threadId });
let next = 0;
let completed = 0;
let refused = 0;
const wrong: string[] = [];

async function lane(): Promise<void> {
  while (next < tasks) {
    const word = COUNTS + first + next++;
    const priority = (['critical', 'high', 'normal', 'low'] as const)[word & 3];
    try {
      const got = await client.run(gated.count, word, priority && { priority });
      if (got !== word) wrong.push(`${word} returned ${got}`);
      completed++;
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === 'ERR_SCHEDULER_CLOSED' || code === 'ERR_QUEUE_FULL') refused++;
      else wrong.push(String(error));
      if (code === 'ERR_SCHEDULER_CLOSED') return;
    }
  }
}

async function flood(): Promise<never> {
  for (;;) await client.run(gated.count, COUNTS + first);
}

switch (mode) {
  case 'count':
    await Promise.all(Array.from({ length: inFlight }, lane));
    parentPort?.postMessage({ id: client.id, threadId, completed, refused, wrong } satisfies ClientReport);
    await client.close();
    break;
  case 'flood':
    await Promise.all(Array.from({ length: inFlight }, flood));
    break;
  case 'spin':
    void client.run(gated.spin);
    break;
  case 'abandon': {
    // The client itself has disowned it, and ends before the grace does.
    const controller = new AbortController();
    client.run(gated.spin, undefined, { signal: controller.signal, graceMs: 60_000 }).catch(() => {});
    parentPort?.once('message', () => {
      controller.abort();
      parentPort?.postMessage('aborted');
    });
    break;
  }
  case 'hold':
    await Promise.all(Array.from({ length: inFlight }, () => client.run(gated.hold, 1)));
    break;
}
