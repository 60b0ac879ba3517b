import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { type ParkTicket, park, parkAsync, parkState, resume } from '../src/experimental.ts';
import { native } from './native-mode.ts';
import { LONG_MS, ParkedWorker, Parker, turn, value } from './parked-worker.ts';

/** A generator of numbers from 0 to 1 that every run repeats (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let word = Math.imul(state ^ (state >>> 15), 1 | state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe.runIf(native)('parking, often', () => {
  test(
    'stops the worker each of 3,000 times, and none is lost or counted twice',
    { timeout: 60_000 },
    async () => {
      await using worker = await ParkedWorker.start('spin');
      const rounds = 3000;
      for (let round = 1; round <= rounds; round++) {
        const parked = value(park(worker.ticket, { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 }));
        expect(parked.park).toBe(round);
        const { steps } = worker;
        for (let look = 0; look < 20; look++)
          if (worker.steps !== steps) expect.fail(`it moved in round ${round}`);
        expect(value(resume(parked)).wasParked).toBe(true);
      }
      await worker.moves();
      expect(value(parkState(worker.ticket))).toMatchObject({ phase: 'running', park: rounds });
    },
  );

  test(
    'two threads that ask at once: one parks it, the other is refused, each of 300 times',
    { timeout: 60_000 },
    async () => {
      await using worker = await ParkedWorker.start('spin');
      const options = { timeoutMs: LONG_MS, requestTimeoutMs: 10_000 };
      await using one = await Parker.start(worker.ticket, options);
      await using other = await Parker.start(worker.ticket, options);
      for (let round = 1; round <= 300; round++) {
        one.go();
        other.go();
        const answers = [await one.answer(), await other.answer()];
        expect(answers.map(({ status }) => status).toSorted()).toEqual(['refused', 'verified']);
        expect(answers.find(({ status }) => status === 'refused')).toMatchObject({ errno: 'EBUSY' });
        expect(value(resume(worker.ticket)).wasParked).toBe(true);
      }
    },
  );

  test(
    'time-outs, resumes, requests and withdrawals that meet leave nobody parked',
    { timeout: 60_000 },
    async () => {
      await using worker = await ParkedWorker.start('spin');
      const next = random(4);
      const seen = new Map<string, number>();
      for (let round = 0; round < 1500; round++) {
        // Around the time that parking takes, so that every end meets every other.
        const requestTimeoutMs = 0.001 + next() * 0.05;
        const answer = park(worker.ticket, { timeoutMs: 0.001 + next() * 0.05, requestTimeoutMs });
        for (let spin = next() * 2000; spin > 0; spin--) Math.imul(spin, spin);
        const resumed = answer.status === 'verified' ? value(resume(answer.value)) : undefined;
        const outcome = resumed?.ended ?? (answer.status === 'refused' ? answer.errno : null) ?? 'other';
        seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
      }
      // What the machine's load makes of it differs; nothing else may occur.
      for (const outcome of seen.keys()) expect(['resumed', 'timed-out', 'ETIMEDOUT']).toContain(outcome);
      expect(value(parkState(worker.ticket)).phase).toBe('running');
      await worker.moves();
    },
  );
});

/** A worker without TypeScript, which starts in a fraction of the time: it registers, says so, and spins or idles. */
const BARE = `
  const { parentPort, workerData } = require('node:worker_threads');
  const generation = new Uint32Array(1);
  const slot = require(workerData.addon).parkRegister(generation);
  parentPort.postMessage({ pid: process.pid, slot, generation: generation[0] });
  if (workerData.spins) for (let n = 0; ; n++) globalThis.last = { n };
  else parentPort.on('message', () => {});
`;

/** Parks and resumes until the worker is gone, and terminates it somewhere in between. */
async function harry(seed: number): Promise<number> {
  const next = random(seed);
  const addon = createRequire(import.meta.url).resolve(
    `@corelane/platform-${process.platform}-${process.arch}`,
  );
  const worker = new Worker(BARE, { eval: true, workerData: { addon, spins: seed % 3 !== 0 } });
  const [ticket] = (await once(worker, 'message')) as [ParkTicket];
  const lastOperation = Math.floor(next() * 12);
  let exit: Promise<number> | undefined;
  for (let operation = 0; ; operation++) {
    if (operation === lastOperation) exit = worker.terminate();
    const options = { timeoutMs: LONG_MS, requestTimeoutMs: next() < 0.5 ? 0.05 : 5 };
    const answer = next() < 0.7 ? park(ticket, options) : await parkAsync(ticket, options);
    if (answer.status === 'refused' && answer.errno === 'ESRCH') break;
    for (let spin = next() * 5000; spin > 0; spin--) Math.imul(spin, spin);
    // Every second park is left to terminate().
    if (operation < lastOperation || next() < 0.5) resume(ticket);
    if (next() < 0.3) await turn();
  }
  return (await exit) ?? 0;
}

test.runIf(native)(
  'terminate() at any point of a park ends the worker, each of 200 times',
  { timeout: 120_000 },
  async () => {
    for (let n = 0; n < 100; n++) expect(await Promise.all([harry(n), harry(1000 + n)])).toEqual([1, 1]);
  },
);
