import { workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';

export interface LabellerData {
  readonly handle: RegistryHandle;
  /** One word: how many threads have come to the metric, over all metrics. */
  readonly arrived: Int32Array;
  readonly threads: number;
  readonly metrics: number;
  /** Label values, in the order in which this thread meets them. */
  readonly values: readonly string[];
  readonly maxSeries: number;
}

const { handle, arrived, threads, metrics, values, maxSeries } = workerData as LabellerData;
const registry = Registry.attach(handle);
for (let metric = 0; metric < metrics; metric++) {
  const options = { help: '', labels: ['user'], maxSeries } as const;
  const users = registry.counter({ ...options, name: `users${metric}_total` });
  const timed = registry.timer({ ...options, name: `user${metric}_seconds`, sampleEvery: 4 });
  // All begin at once: what they race for is who enters the last series that there is room for.
  Atomics.add(arrived, 0, 1);
  Atomics.notify(arrived, 0);
  for (let now = 0; (now = Atomics.load(arrived, 0)) < (metric + 1) * threads;) Atomics.wait(arrived, 0, now);
  for (const value of values) {
    users.labels(value).inc();
    timed.labels(value).start().stop();
  }
}
registry[Symbol.dispose]();
