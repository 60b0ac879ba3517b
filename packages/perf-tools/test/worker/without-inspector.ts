// A process that must not use the inspector profiles a worker: it prints what did it, or why nothing could.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { profileWorker, type ProfileOptions } from '../../src/profiles/index.ts';

const flag = new SharedArrayBuffer(4);
const worker = new Worker(new URL('spinner.ts', import.meta.url), { workerData: flag });
await once(worker, 'message');
const options = JSON.parse(process.argv[2] ?? '{}') as Partial<ProfileOptions>;
try {
  const { by, profile } = await profileWorker(worker, { durationMs: 20, ...options });
  if (profile.samples.length > 0) console.log(by);
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException;
  console.log(code, message);
}
await worker.terminate();
