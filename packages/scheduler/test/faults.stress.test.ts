// Workers that exit, workers that are terminated, aborts and clients that are terminated, all at once, by a seeded draw.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Scheduler } from '../src/index.ts';
import type { ClientData } from './tasks/client.ts';
import { gated } from './tasks/gated.ts';
import { COUNTS, Words } from './tasks/words.ts';

const TASKS = 4000;
const BATCH = 200;
/** Where the client threads count. */
const FLOOD = TASKS;

function draws(seed: number): () => number {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

type End = 'returned' | 'refused' | 'failed';

const endOf = (run: Promise<unknown>, expected: readonly string[]): Promise<End> =>
  run.then(
    () => 'returned',
    (error: { code?: string; name: string }) => {
      if (error.code === 'ERR_QUEUE_FULL') return 'refused';
      expect(expected).toContain(error.name);
      return 'failed';
    },
  );

/** Terminates client threads, one after the other, while they flood the scheduler. */
async function killClients(scheduler: Scheduler, words: Words, times: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    const workerData: ClientData = {
      handle: scheduler.handle,
      first: FLOOD,
      tasks: 0,
      inFlight: 50,
      mode: 'flood',
    };
    const client = new Worker(new URL('./tasks/client.ts', import.meta.url), {
      workerData,
      execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
    });
    // Its lanes end with the first refusal or loss; that ends the thread, too, and is one more way to go.
    client.on('error', () => {});
    scheduler.reclaimOnExit(client);
    const exit = once(client, 'exit');
    await Promise.race([once(client, 'message'), exit]);
    await scheduler.run(gated.count, COUNTS + FLOOD).catch(() => {});
    await client.terminate();
    await exit;
  }
  expect(Atomics.load(words.view, COUNTS + FLOOD)).toBeGreaterThan(0);
}

test(
  'under every fault at once each task runs at most once, each promise settles, and every slot comes back',
  { timeout: 60_000 },
  async () => {
    const words = new Words(TASKS + 1);
    const draw = draws(20_251);
    await using scheduler = Scheduler.create({ threads: 2, workerData: words.view, slots: 512 });
    const clients = killClients(scheduler, words, 12);
    const ends: End[] = [];
    const faults = { exits: 0, timeouts: 0 };
    for (let first = 0; first < TASKS; first += BATCH) {
      const batch = Array.from({ length: BATCH }, (_, i) => {
        const word = COUNTS + first + i;
        const fault = draw();
        if (fault < 0.002) {
          faults.exits++;
          return endOf(scheduler.run(gated.exit, 3), ['WorkerLostError']);
        }
        if (fault < 0.004) {
          faults.timeouts++;
          const spinning = scheduler.run(gated.spin, undefined, { timeoutMs: 1 + draw() * 5, graceMs: 0 });
          return endOf(spinning, ['TaskTimeoutError', 'WorkerLostError']);
        }
        const signal = fault < 0.05 ? AbortSignal.timeout(Math.round(draw() * 3)) : undefined;
        const counted = scheduler.run(gated.count, word, signal && { signal });
        return endOf(counted, ['WorkerLostError', 'TimeoutError']);
      });
      ends.push(...(await Promise.all(batch)));
    }
    await clients;
    expect(faults.exits + faults.timeouts).toBeGreaterThan(5);
    for (const [n, end] of ends.entries()) {
      const ran = words.view[COUNTS + n] as number;
      if (end === 'refused') expect(ran).toBe(0);
      else expect(ran).toBeLessThanOrEqual(1);
    }
    const { length: returned } = ends.filter((end) => end === 'returned');
    const { length: ranOnce } = ends.filter((end, n) => end === 'returned' && words.view[COUNTS + n] === 1);
    expect(ranOnce).toBe(returned);
    expect(returned).toBeGreaterThan(TASKS / 4);
    await expect.poll(() => scheduler.stats()).toMatchObject({ slots: { used: 0 }, clients: [{ id: 0 }] });
  },
);
