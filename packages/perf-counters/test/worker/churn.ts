// Defines metrics and series of its own, counts in them, and ends without disposing its registry.
import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';

export interface ChurnData {
  readonly handle: RegistryHandle;
  readonly generation: number;
  /** Word 0: what all generations have counted. Word 1: 1 once they may end. */
  readonly words: Int32Array;
}

/** So many metrics that threads define the same ones at once. */
const METRICS = 6;
const LABELS = 5;

const { handle, generation, words } = workerData as ChurnData;
const registry = Registry.attach(handle);
registry.gauge({ name: 'generation', help: 'The last one', aggregator: 'max' }).set(generation);
for (let i = 0; i < METRICS; i++) {
  const name = `m${(generation + i) % METRICS}`;
  const counter = registry.counter({ name: `${name}_total`, help: 'Counted', labels: ['l'] });
  const histogram = registry.histogram({ name, help: 'Recorded', labels: ['l'], buckets: [1, 2, 3] });
  for (let l = 0; l < LABELS; l++) {
    // Most of them new: of this generation.
    const label = l === 0 ? 'all' : `${generation}-${l}`;
    counter.labels(label).inc();
    histogram.labels(label).record(l);
    Atomics.add(words, 0, 1);
  }
}
parentPort?.postMessage(registry.writer);
Atomics.wait(words, 1, 0);
process.exit();
