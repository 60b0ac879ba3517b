// Two workers that spin, and what of a CPU each gets.
import { setTimeout as delay } from 'node:timers/promises';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { threadCpuTimeNs } from '@corelane/platform';
import { nowNs } from '../../clock.ts';
import { entryUrl } from '../../entry-url.ts';
import { NotMeasurableError } from '../../errors.ts';
import { valueOf } from './calls.ts';
import { SPIN_BLOCK, SPIN_BLOCK_BYTES, type SpinnerData, type SpinnerReady } from './spin-words.ts';

/** A worker that was told to rest and gets hardly any CPU takes its time; one that never rests is stuck. */
const REST_MS = 60_000;

const LONGEST_WINDOW_NS = 20e9;

interface Reading {
  readonly cpuNs: number;
  readonly rounds: bigint;
}

class Spinner {
  readonly tid: number;
  readonly #worker: Worker;
  readonly #words: BigInt64Array;

  private constructor(worker: Worker, words: BigInt64Array, tid: number) {
    this.#worker = worker;
    this.#words = words;
    this.tid = tid;
  }

  static async start(): Promise<Spinner> {
    const workerData: SpinnerData = { block: new SharedArrayBuffer(SPIN_BLOCK_BYTES) };
    const worker = new Worker(entryUrl('suites/platform/spinner'), { workerData });
    const [ready] = (await once(worker, 'message')) as [SpinnerReady];
    if ('tid' in ready) return new Spinner(worker, new BigInt64Array(workerData.block), ready.tid);
    await worker.terminate();
    throw new NotMeasurableError(ready.lacking);
  }

  go(): void {
    this.#step();
  }

  async rest(): Promise<void> {
    const phase = this.#step();
    const words = this.#words;
    const deadline = performance.now() + REST_MS;
    for (let rested = Atomics.load(words, SPIN_BLOCK.rested); rested !== phase;) {
      const wait = Atomics.waitAsync(words, SPIN_BLOCK.rested, rested, REST_MS);
      if (wait.async) await wait.value;
      if (performance.now() > deadline) throw new Error(`a spinner did not rest within ${REST_MS} ms`);
      rested = Atomics.load(words, SPIN_BLOCK.rested); // observe: pairs with the store in spinner.ts
    }
  }

  read(): Reading {
    const cpuNs = valueOf(threadCpuTimeNs(this.tid));
    return { cpuNs, rounds: Atomics.load(this.#words, SPIN_BLOCK.rounds) };
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #step(): bigint {
    const phase = Atomics.add(this.#words, SPIN_BLOCK.phase, 1n) + 1n; // publish: pairs with the loads in spinner.ts
    Atomics.notify(this.#words, SPIN_BLOCK.phase);
    return phase;
  }
}

/** What two workers got while both wanted all they could get. */
export interface Shares {
  /** CPU time of the second by that of both, 0 to 1. */
  readonly secondOfBoth: number;
  /** The same by what they did instead of by the clock. */
  readonly secondOfWork: number;
  /** CPU time of both by the time that passed: never more than the CPUs that they could use. */
  readonly cpus: number;
}

export class Spinners {
  readonly #both: readonly [Spinner, Spinner];

  private constructor(both: readonly [Spinner, Spinner]) {
    this.#both = both;
  }

  /** @throws NotMeasurableError where threads have no ids or no clocks */
  static async start(): Promise<Spinners> {
    const first = await Spinner.start();
    try {
      return new Spinners([first, await Spinner.start()]);
    } catch (error) {
      await first.stop();
      throw error;
    }
  }

  get tids(): readonly [number, number] {
    const [first, second] = this.#both;
    return [first.tid, second.tid];
  }

  /**
   * Lets both spin. Measures after `settleMs`, for `windowMs`, and on until both together have had as much CPU time: on a machine
   * that others use as well, a short window may hold nothing of either.
   */
  async measure(settleMs: number, windowMs: number): Promise<Shares> {
    const [first, second] = this.#both;
    first.go();
    second.go();
    await delay(settleMs);
    // The time around all readings: this thread may lose its CPU between any two of them.
    const startNs = nowNs();
    const before = [first.read(), second.read()] as const;
    let after = before;
    let ran: readonly [number, number] = [0, 0];
    do {
      await delay(windowMs);
      after = [first.read(), second.read()];
      ran = [after[0].cpuNs - before[0].cpuNs, after[1].cpuNs - before[1].cpuNs];
    } while (ran[0] + ran[1] < windowMs * 1e6 && nowNs() - startNs < LONGEST_WINDOW_NS);
    const elapsedNs = nowNs() - startNs;
    await Promise.all([first.rest(), second.rest()]);
    const work = [
      Number(after[0].rounds - before[0].rounds),
      Number(after[1].rounds - before[1].rounds),
    ] as const;
    return {
      secondOfBoth: ran[1] / (ran[0] + ran[1]),
      secondOfWork: work[1] / (work[0] + work[1]),
      cpus: (ran[0] + ran[1]) / elapsedNs,
    };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#both.map((spinner) => spinner.stop()));
  }
}
