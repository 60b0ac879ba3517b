import { parentPort, workerData } from 'node:worker_threads';
import { RegistryReader, type RegistryHandle } from '../../src/index.ts';
import { serveSnapshots } from '../../src/socket/index.ts';

await serveSnapshots(RegistryReader.attach(workerData as RegistryHandle), { keepAlive: true });
parentPort?.postMessage('serving');
