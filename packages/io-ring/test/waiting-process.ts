/** A process with operations in flight that wait for ever, in promises, in a batch and in a worker, which ends in the way that it is told. */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { IoBatch, IoFile, IoRing } from '../src/index.ts';

const READS = 64;

/** Reads of the pipe that wait. */
async function wait(pipe: string): Promise<void> {
  const ring = IoRing.open();
  const file = await IoFile.open(ring, pipe, 'r+');
  const memory = new Uint8Array(new SharedArrayBuffer(2 * READS));
  for (let index = 0; index < READS; index++)
    file.read(memory.subarray(index, index + 1)).catch(() => undefined);
  const batch = IoBatch.open();
  for (let index = READS; index < 2 * READS; index++)
    batch.read(file.fd, memory.subarray(index, index + 1), 0);
  batch.runAsync().catch(() => undefined);
  await new Promise(setImmediate); // all of it is in the kernel's hands
}

if (isMainThread) {
  const [, , end = '', pipe = ''] = process.argv;
  await wait(pipe);
  const inRun = end.endsWith('worker-in-run');
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { pipe, end },
    execArgv: process.execArgv,
  });
  await new Promise((resolve) => worker.once('message', resolve));
  if (inRun) await new Promise((resolve) => setTimeout(resolve, 50)); // it says so before it blocks
  if (end.startsWith('terminate')) {
    await worker.terminate();
    process.exit(7);
  }
  if (end === 'exit' || end === 'exit-with-worker-in-run') process.exit(7);
  if (end === 'exit-while-terminating') {
    void worker.terminate();
    process.exit(7);
  }
  if (end === 'throw') throw new Error('on purpose');
  if (end === 'reject') await Promise.reject(new Error('on purpose'));
  console.log('ready');
  if (end === 'killed-in-run') {
    const ring = IoRing.open();
    const file = await IoFile.open(ring, pipe, 'r+');
    const batch = IoBatch.open();
    batch.read(file.fd, new Uint8Array(new SharedArrayBuffer(1)), 0);
    batch.run(); // for ever
  }
  worker.once('exit', (code) => process.exit(code));
  worker.postMessage('go');
} else {
  const { pipe, end } = workerData as { pipe: string; end: string };
  await wait(pipe);
  parentPort?.postMessage('waiting');
  if (end.endsWith('worker-in-run')) {
    const batch = IoBatch.open();
    const file = await IoFile.open(IoRing.open(), pipe, 'r+');
    const memory = new Uint8Array(new SharedArrayBuffer(READS));
    for (let index = 0; index < READS; index++) {
      batch.read(file.fd, memory.subarray(index, index + 1), 0);
      if (index % 4 === 0) batch.link();
    }
    batch.run(); // for ever
  }
  parentPort?.once('message', () => {
    if (end === 'exit-in-worker') process.exit(7);
    if (end === 'throw-in-worker') throw new Error('on purpose');
  });
}
