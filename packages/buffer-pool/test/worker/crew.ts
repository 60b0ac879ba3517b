// Real workers for stress tests: starts some at once, gathers what they report.
import { Worker } from 'node:worker_threads';

/** Words of the control block: workers wait on `GO` until it is 1. */
export const READY = 0;
export const GO = 1;
/** Stays 0, and nobody is notified of it. */
export const SILENT = 2;

/** What each worker finds in `workerData`, beside what the test gives it. */
export interface Station {
  readonly control: Int32Array;
  readonly id: number;
}

export class Crew {
  readonly control = new Int32Array(new SharedArrayBuffer(12));
  readonly workers: Worker[];
  readonly #reports: Promise<unknown>[];

  constructor(file: URL, stations: readonly object[]) {
    this.workers = stations.map(
      (data, id) =>
        new Worker(file, {
          workerData: { ...data, id, control: this.control } satisfies Station,
          execArgv: ['--conditions=@corelane/source', '--disable-warning=ExperimentalWarning'],
        }),
    );
    this.#reports = this.workers.map(
      (worker) =>
        new Promise((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
          worker.once('exit', (code) => reject(new Error(`a worker exited with ${code} and no report`)));
        }),
    );
    for (const report of this.#reports) report.catch(() => {}); // told by reports()
  }

  /** Lets all workers go once all have arrived. */
  async go(): Promise<void> {
    for (;;) {
      const ready = Atomics.load(this.control, READY);
      if (ready === this.workers.length) break;
      const { async, value } = Atomics.waitAsync(this.control, READY, ready, 10_000);
      if (async && (await value) === 'timed-out')
        throw new Error(`${ready} of ${this.workers.length} workers arrived`);
    }
    Atomics.store(this.control, GO, 1);
    Atomics.notify(this.control, GO);
  }

  /** What each worker posted. */
  reports<T>(): Promise<T[]> {
    return Promise.all(this.#reports) as Promise<T[]>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}
