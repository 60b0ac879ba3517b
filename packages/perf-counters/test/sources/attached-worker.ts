// A worker that collects its own figures, burns some time when told to, and ends or is ended.
import { parentPort, workerData } from 'node:worker_threads';
import { Registry, type RegistryHandle } from '../../src/index.ts';
import { collectDefaults } from '../../src/sources/index.ts';
import { burn } from './burn.ts';

const registry = Registry.attach(workerData as RegistryHandle);
const sources = collectDefaults(registry, { intervalMs: Infinity });

async function burnAndTell(burnMs: number): Promise<void> {
  burn(burnMs);
  await sources.sample();
  parentPort?.postMessage({
    writer: registry.writer,
    elsewhere: sources.capabilities().filter(({ status }) => status === 'elsewhere').length,
  });
}

parentPort?.on('message', (burnMs: number) => void burnAndTell(burnMs));
