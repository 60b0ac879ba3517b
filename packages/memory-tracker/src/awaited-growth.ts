// Bytes that an operation allocates until its promise is settled, beyond what a baseline does: batches of both in turn, of as many operations,
// of which each is awaited before the next.
//
// What an await costs depends on the version of V8 (48 bytes on Node 26, 200 on 22 and 24) and on hooks of promises that are in use; what both
// batches have in common cancels out to the byte.

import type { HeapGrowth } from './heap-growth.ts';
import { collect, HeapWindow, SampleSet, type HeapSample } from './heap-window.ts';

/** The operation gets the number of its iteration, from 0. */
export type AsyncOperation = (iteration: number) => PromiseLike<unknown>;

export interface AwaitedGrowth extends HeapGrowth {
  /** What one operation of the baseline allocates, with its await. It is not in `bytesPerOperation`. */
  readonly baselineBytes: number;
}

/** Word of a batch: not 0 where it is to end. */
const STOP = 0;

/** Awaits iterations `from` to below `to`, or until it is stopped. */
type AsyncLoop = (operation: AsyncOperation, from: number, to: number, stop: Int32Array) => Promise<void>;

/** Part of the source of each loop, as in heap-growth.ts. */
let loops = 0;

function newLoop(): AsyncLoop {
  // oxlint-disable-next-line typescript/no-implied-eval -- fresh code is the point
  return new Function(
    `return async (operation, from, to, stop) => {
      for (let i = from; i < to && stop[${STOP}] === 0; i++) await operation(i); // ${loops++}
    };`,
  )() as AsyncLoop;
}

const settled = Promise.resolve();

/** What is there before an operation begins: a promise for each, or none. Neither depends on what is compiled. */
export const newPromise: AsyncOperation = (iteration) => Promise.resolve(iteration);
export const oldPromise: AsyncOperation = () => settled;

export class AwaitedBatches {
  readonly #operation: AsyncOperation;
  readonly #baseline: AsyncOperation;
  readonly #loop = newLoop();
  readonly #baselineLoop = newLoop();
  readonly #stop = new Int32Array(1);

  constructor(operation: AsyncOperation, baseline: AsyncOperation) {
    this.#operation = operation;
    this.#baseline = baseline;
  }

  async warm(operations: number): Promise<void> {
    await this.#baselineLoop(this.#baseline, 0, operations, this.#stop);
    await this.#loop(this.#operation, 0, operations, this.#stop);
  }

  async measure(operations: number): Promise<AwaitedGrowth> {
    collect('major');
    const [grown, base, none] = [new SampleSet(), new SampleSet(), new SampleSet()];
    while (!(grown.isComplete && base.isComplete && none.isComplete) && this.#stop[STOP] === 0) {
      if (!none.isComplete) none.add(await this.#sample(this.#baselineLoop, this.#baseline, 0));
      if (!base.isComplete) base.add(await this.#sample(this.#baselineLoop, this.#baseline, operations));
      if (!grown.isComplete) grown.add(await this.#sample(this.#loop, this.#operation, operations));
    }
    return {
      bytesPerOperation: (grown.medianBytes - base.medianBytes) / operations,
      samples: grown.samples.length,
      operations,
      collections: grown.collections,
      baselineBytes: (base.medianBytes - none.medianBytes) / operations,
    };
  }

  /** The batch that runs ends when the operation that it waits for is settled. */
  stop(): void {
    this.#stop[STOP] = 1;
  }

  async #sample(loop: AsyncLoop, operation: AsyncOperation, operations: number): Promise<HeapSample> {
    const window = new HeapWindow();
    try {
      await loop(operation, 0, operations, this.#stop);
    } catch (error) {
      window.abandon();
      throw error;
    }
    return window.close();
  }
}
