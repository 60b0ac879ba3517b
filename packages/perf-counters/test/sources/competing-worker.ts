// A worker that starts and ends sources of the process again and again, against others that do the same.
import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';
import { collectDefaults } from '../../src/sources/index.ts';

const { handle, hands } = workerData as { handle: RegistryHandle; hands: number };
const registry = Registry.attach(handle);
for (let held = 0; held < hands;) {
  const sources = collectDefaults(registry, { intervalMs: Infinity, sources: ['processCpu'] });
  if (sources.capabilities()[0]?.status === 'active') held++;
  sources[Symbol.dispose]();
}
registry[Symbol.dispose]();
parentPort?.postMessage('done');
