import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';

export interface LabellerData {
  readonly handle: RegistryHandle;
  /** Word 0: may start. */
  readonly go: Int32Array;
  /** Label values, in the order in which this thread meets them. */
  readonly values: readonly string[];
  readonly maxSeries: number;
  /** Times that it counts each. */
  readonly rounds: number;
}

const { handle, go, values, maxSeries, rounds } = workerData as LabellerData;
const registry = Registry.attach(handle);
const users = registry.counter({ name: 'users_total', help: '', labels: ['user'], maxSeries });
const timed = registry.timer({ name: 'user_seconds', help: '', labels: ['user'], maxSeries, sampleEvery: 4 });
parentPort?.postMessage('ready');
Atomics.wait(go, 0, 0);
for (let round = 0; round < rounds; round++) {
  for (const value of values) {
    users.labels(value).inc();
    timed.labels(value).start().stop();
  }
}
registry[Symbol.dispose]();
