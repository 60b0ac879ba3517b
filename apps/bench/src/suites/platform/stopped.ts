// The thread's side: a worker that counts, and three ways to stop it.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { park, type ParkTicket, resume } from '@corelane/platform/experimental';
import { nowNs } from '../../clock.ts';
import { entryUrl } from '../../entry-url.ts';
import { NotMeasurableError } from '../../errors.ts';
import { valueOf } from './calls.ts';
import { STOP_BLOCK, STOP_BLOCK_BYTES, type StoppedData } from './stop-words.ts';
import type { StoppedReady } from './stopped-worker.ts';

/** For so long the worker must not move once it is stopped, and runs on once it is not. */
const STILL_NS = 20_000;
const RUN_NS = 100_000;
/** Longest wait for the worker. */
const DEADLINE_NS = 30e9;
const PARK_TIMEOUT_MS = 10_000;

/** Nanoseconds from the call until the worker stood still, and until it ran again. */
export interface Stop {
  readonly stopNs: number;
  readonly resumeNs: number;
}

/** Keeps this thread on its CPU. */
function busyFor(ns: number): void {
  for (const end = nowNs() + ns; nowNs() < end;);
}

export class StoppedWorker {
  readonly #worker: Worker;
  readonly #words: Int32Array;
  readonly #ticket: ParkTicket | null;

  private constructor(worker: Worker, words: Int32Array, ticket: ParkTicket | null) {
    this.#worker = worker;
    this.#words = words;
    this.#ticket = ticket;
  }

  /** @throws NotMeasurableError where it cannot be parked here */
  static async start(parkable: boolean): Promise<StoppedWorker> {
    const workerData: StoppedData = { block: new SharedArrayBuffer(STOP_BLOCK_BYTES), parkable };
    const worker = new Worker(entryUrl('suites/platform/stopped-worker'), { workerData });
    const [ready] = (await once(worker, 'message')) as [StoppedReady];
    if ('ticket' in ready) return new StoppedWorker(worker, new Int32Array(workerData.block), ready.ticket);
    await worker.terminate();
    throw new NotMeasurableError(ready.lacking);
  }

  /** Parks and resumes it once. */
  park(): Stop {
    const ticket = this.#ticket;
    if (ticket === null) throw new Error('the worker has not registered');
    busyFor(RUN_NS);
    const start = nowNs();
    valueOf(park(ticket, { timeoutMs: PARK_TIMEOUT_MS, requestTimeoutMs: PARK_TIMEOUT_MS }));
    const stopNs = nowNs() - start;
    const rounds = this.#requireStill();
    const resuming = nowNs();
    if (!valueOf(resume(ticket)).wasParked) throw new Error('the worker was not parked any more');
    this.#waitFor(() => this.#rounds() !== rounds);
    return { stopNs, resumeNs: nowNs() - resuming };
  }

  /** Asks it to stop by itself, and to go on. */
  ask(): Stop {
    const words = this.#words;
    busyFor(RUN_NS);
    const start = nowNs();
    Atomics.store(words, STOP_BLOCK.asked, 1); // publish: pairs with the load in stopped-worker.ts
    this.#waitFor(() => Atomics.load(words, STOP_BLOCK.stopped) === 1); // observe: pairs with the store there
    const stopNs = nowNs() - start;
    const rounds = this.#requireStill();
    const resuming = nowNs();
    Atomics.store(words, STOP_BLOCK.asked, 0);
    Atomics.notify(words, STOP_BLOCK.asked);
    this.#waitFor(() => this.#rounds() !== rounds);
    return { stopNs, resumeNs: nowNs() - resuming };
  }

  /** Ends it. @returns nanoseconds until it was over */
  async terminate(): Promise<number> {
    const start = nowNs();
    await this.#worker.terminate();
    const elapsedNs = nowNs() - start;
    this.#requireStill();
    return elapsedNs;
  }

  /** Until the worker is in its loop. */
  waitUntilRunning(): void {
    const rounds = this.#rounds();
    this.#waitFor(() => this.#rounds() !== rounds);
  }

  #rounds(): number {
    return Atomics.load(this.#words, STOP_BLOCK.rounds);
  }

  #requireStill(): number {
    const rounds = this.#rounds();
    busyFor(STILL_NS);
    if (this.#rounds() !== rounds) throw new Error('the worker ran on though it was stopped');
    return rounds;
  }

  #waitFor(condition: () => boolean): void {
    const deadline = nowNs() + DEADLINE_NS;
    while (!condition()) if (nowNs() > deadline) throw new Error(`waited for ${DEADLINE_NS / 1e9} s`);
  }
}
