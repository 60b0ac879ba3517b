// Several threads that do the same operations at the same time, for cases about contention.
import { once } from 'node:events';
import { type Transferable, Worker } from 'node:worker_threads';
import { entryUrl } from '../entry-url.ts';
import type { BatchResult } from '../suite.ts';
import {
  ARRIVED,
  type ControlBlock,
  DONE,
  OPERATIONS,
  SEQUENCE,
  STOP,
  controlBytes,
  openControl,
  slotsOf,
} from './layout.ts';

/** What a contender's module exports as `createContender`: `data` → a function that does operations and counts successes. */
export type CreateContender = (
  data: never,
  index: number,
) => ((operations: number) => number) | Promise<(operations: number) => number>;

/** Travels to a contender as its workerData. */
export interface ContenderData {
  readonly control: SharedArrayBuffer;
  readonly contenders: number;
  readonly index: number;
  readonly module: string;
  readonly data: unknown;
}

export interface ContendersOptions {
  /** Module with an export `createContender`. */
  readonly module: URL;
  readonly contenders: number;
  /** Plain data for the contender `index`. */
  readonly data: (index: number) => unknown;
  /** What of it is handed over instead of cloned: ports. */
  readonly transfer?: (index: number) => Transferable[];
}

export class Contenders {
  readonly #workers: readonly Worker[];
  readonly #control: ControlBlock;
  readonly #failed: Promise<never>;
  #stopped = false;

  private constructor(workers: readonly Worker[], control: ControlBlock) {
    this.#workers = workers;
    this.#control = control;
    this.#failed = Promise.race(
      workers.map(async (worker, index): Promise<never> => {
        const [code] = (await once(worker, 'exit')) as [number];
        throw new Error(`contender ${index} ended with exit code ${code}`);
      }),
    );
    this.#failed.catch(() => undefined); // met in run(); an orderly stop() ends the threads, too
  }

  static async start({ module, contenders, data, transfer }: ContendersOptions): Promise<Contenders> {
    const control = new SharedArrayBuffer(controlBytes(contenders));
    const workers = Array.from({ length: contenders }, (_, index) => {
      const workerData: ContenderData = {
        control,
        contenders,
        index,
        module: module.href,
        data: data(index),
      };
      return new Worker(entryUrl('contender'), { workerData, transferList: transfer?.(index) ?? [] });
    });
    try {
      await Promise.all(workers.map((worker) => once(worker, 'message')));
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()));
      throw error;
    }
    return new Contenders(workers, openControl(control));
  }

  /**
   * Splits `operations` evenly and runs them on all threads at once. The time is that from the first start to the last end;
   * `fairness` is the rate of the slowest thread by that of the fastest, 1 where none was favoured.
   */
  async run(operations: number): Promise<BatchResult> {
    if (this.#stopped) throw new Error('the contenders are stopped');
    const { words, slots } = this.#control;
    const count = this.#workers.length;
    const each = operations / count;
    if (!Number.isInteger(each))
      throw new Error(`${operations} operations do not split over ${count}: set opsPerBatch`);
    slots[OPERATIONS] = each;
    Atomics.store(words, ARRIVED, 0);
    Atomics.store(words, DONE, 0);
    Atomics.add(words, SEQUENCE, 1); // publish: pairs with the wait on SEQUENCE in contender.ts
    Atomics.notify(words, SEQUENCE);
    for (let done = 0; done < count; done = Atomics.load(words, DONE)) {
      const wait = Atomics.waitAsync(words, DONE, done);
      if (wait.async) await Promise.race([wait.value, this.#failed]);
    }
    const figures = this.#workers.map((_, index) => {
      const at = slotsOf(index);
      return {
        startNs: slots[at.startNs] ?? 0,
        endNs: slots[at.endNs] ?? 0,
        successful: slots[at.successful] ?? 0,
      };
    });
    const times = figures.map(({ startNs, endNs }) => endNs - startNs);
    return {
      successful: figures.reduce((sum, { successful }) => sum + successful, 0),
      elapsedNs:
        Math.max(...figures.map(({ endNs }) => endNs)) - Math.min(...figures.map(({ startNs }) => startNs)),
      metrics: { fairness: { value: Math.min(...times) / Math.max(...times), unit: '' } },
    };
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    const { words } = this.#control;
    Atomics.store(words, STOP, 1);
    Atomics.add(words, SEQUENCE, 1); // publish: pairs with the wait on SEQUENCE in contender.ts
    Atomics.notify(words, SEQUENCE);
    await this.#failed.catch(() => undefined);
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}
