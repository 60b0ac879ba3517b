// A worker that starts and ends sources of the process again and again, against others that do the same.
import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';
import { collectDefaults } from '../../src/sources/index.ts';

const { handle, forMs } = workerData as { handle: RegistryHandle; forMs: number };
const registry = Registry.attach(handle);
let held = 0;
for (const end = performance.now() + forMs; performance.now() < end;) {
  const sources = collectDefaults(registry, { intervalMs: Infinity, sources: ['processCpu'] });
  if (sources.capabilities()[0]?.status === 'active') held++;
  sources[Symbol.dispose]();
}
registry[Symbol.dispose]();
parentPort?.postMessage(held);
