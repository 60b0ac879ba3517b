import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';
import { defineAll } from './metrics.ts';

export interface HammerData {
  readonly handle: RegistryHandle;
  /** Word 0: may start. Word 1: rounds that an endless worker has finished. */
  readonly go: Int32Array;
  readonly rounds: number;
  readonly isEndless: boolean;
}

const { handle, go, rounds, isEndless } = workerData as HammerData;
const registry = Registry.attach(handle);
const { plain, byCode, size, inFlight, temperature, duration } = defineAll(registry);
const ok = byCode.labels('202');
const refused = byCode.labels('429');
temperature.set(registry.writer + 0.5);
parentPort?.postMessage({ writer: registry.writer, rounds: 0 });
Atomics.wait(go, 0, 0);
const end = isEndless ? Infinity : rounds;
for (let round = 0; round < end; round++) {
  plain.inc();
  (round % 3 === 0 ? refused : ok).inc(2);
  size.record((round * 37) % 5000);
  duration.record(0.25);
  inFlight.inc(3);
  inFlight.dec(2);
  if (isEndless) Atomics.store(go, 1, round + 1);
}
registry[Symbol.dispose]();
parentPort?.postMessage({ writer: registry.writer, rounds });
