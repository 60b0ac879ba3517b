// Worker threads of a stress test that start together: each reports when it stands at the line, and goes when the gate opens.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export class Crew implements AsyncDisposable {
  readonly workers: readonly Worker[];
  readonly #gate = new Int32Array(new SharedArrayBuffer(8));

  /** One worker for each station (its `workerData`). */
  constructor(file: URL, stations: readonly object[]) {
    this.workers = stations.map(
      (station) =>
        new Worker(file, {
          workerData: { ...station, gate: this.#gate },
          execArgv: ['--conditions=@corelane/source'],
        }),
    );
  }

  /** Opens the gate when all have arrived. */
  async go(): Promise<void> {
    while (Atomics.load(this.#gate, 1) < this.workers.length) {
      const wait = Atomics.waitAsync(this.#gate, 1, Atomics.load(this.#gate, 1), 20);
      if (wait.async) await wait.value;
    }
    Atomics.store(this.#gate, 0, 1);
    Atomics.notify(this.#gate, 0);
  }

  /** The next message of each. An error in one is thrown. */
  async reports<T>(): Promise<T[]> {
    const messages = await Promise.all(this.workers.map((worker) => once(worker, 'message')));
    return messages.map(([message]) => message as T);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** Called by a worker when it is ready: returns when all are. */
export function arrive(gate: Int32Array): void {
  Atomics.add(gate, 1, 1);
  Atomics.notify(gate, 1);
  while (Atomics.load(gate, 0) === 0) Atomics.wait(gate, 0, 0);
}
