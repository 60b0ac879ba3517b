// Real workers for stress tests: starts some at once, gathers what they report. Test and worker files of the packages import it by
// path; `Crew` is for the test, `arrive` and `yieldCore` are for its workers.
import { Worker } from 'node:worker_threads';

/** Words of the control block: how many have arrived; workers wait on `GO` until it is 1. */
const READY = 0;
const GO = 1;
/** Stays 0, and nobody is notified of it. */
const SILENT = 2;

/** Workers compile their files before they arrive: half a second, and more than ten on a machine that forty others use (seen). */
const ARRIVAL_MS = 60_000;

/** What each worker finds in `workerData`, beside what the test gives it. */
export interface Station {
  readonly control: Int32Array;
  readonly id: number;
}

export class Crew implements AsyncDisposable {
  readonly control = new Int32Array(new SharedArrayBuffer(12));
  readonly workers: Worker[];
  readonly #reports: Promise<unknown>[];

  /** One worker for each station: what it finds in `workerData`, with `Station`. */
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
      const { async, value } = Atomics.waitAsync(this.control, READY, ready, ARRIVAL_MS);
      if (async && (await value) === 'timed-out')
        throw new Error(`${ready} of ${this.workers.length} workers arrived`);
    }
    Atomics.store(this.control, GO, 1); // publish: pairs with the wait in arrive
    Atomics.notify(this.control, GO);
  }

  /** The first thing that each worker posted. Rejects with the error of a worker, and where one ends without a word. */
  reports<T>(): Promise<T[]> {
    return Promise.all(this.#reports) as Promise<T[]>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** In a worker: reports arrival and waits until all have arrived. */
export function arrive({ control }: Station): void {
  // publish: pairs with the load in go.
  Atomics.add(control, READY, 1);
  Atomics.notify(control, READY);
  Atomics.wait(control, GO, 0);
}

/** In a worker: gives the core to whoever can make progress, where there are more workers than cores. */
export function yieldCore(control: Int32Array): void {
  Atomics.wait(control, SILENT, 0, 0.05);
}
